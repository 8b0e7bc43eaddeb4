"""The repair page: who comes there, what it says before anything is done, and what two people at once are told."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts.actor import SYSTEM
from accounts.models import AuditEvent, Department, Notification, User
from accounts.roles import Role
from imaging.studies import services
from imaging.studies.models import Grant, Move, Patient, PatientMerge, Rejection, Study
from imaging.studies.reading import metadata
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(emergency: Department, orthopaedics: Department) -> dict[str, User]:
    """A radiographer and a clinician of emergency, a quality officer there, a radiographer of orthopaedics."""
    posts = {
        "rita": (emergency, Role.RADIOGRAPHER),
        "rob": (emergency, Role.RADIOGRAPHER),
        "clara": (emergency, Role.CLINICIAN),
        "quinn": (emergency, Role.QUALITY_OFFICER),
        "omar": (orthopaedics, Role.RADIOGRAPHER),
    }
    found = {}
    for name, (department, role) in posts.items():
        found[name] = UserFactory.create(username=name)
        MembershipFactory.create(user=found[name], department=department, role=role)
    return found


@pytest.fixture
def exam(data_dir: Path, emergency: Department) -> tuple[Study, Study]:
    """A study of two series, and one of another patient."""
    metadata.remembered.clear()
    first = arrivals.dataset()
    other = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, Modality="MR", SeriesNumber=2)
    stranger = arrivals.dataset(PatientID="P2", PatientName="Leroy^Paul", PatientSex="M", AccessionNumber="A200")

    def register(*made: Dataset) -> Study:
        batch = [arrivals.incoming(one, data_dir / "spool", emergency) for one in made]
        services.register(batch, actor=SYSTEM)
        return Study.objects.select_related("patient").get(study_instance_uid=made[0].StudyInstanceUID)

    return register(first, other), register(stranger)


def post(client: Client, study: Study, step: str, **said: Any) -> Any:
    return client.post(f"/repair/{study.study_instance_uid}/{step}", {"reason": "Wrong patient chosen", **said})


def fresh(study: Study) -> Study:
    return Study.objects.select_related("patient").get(pk=study.pk)


def test_strangers_get_404_and_those_without_the_capability_403(client: Client, people: Any, exam: Any) -> None:
    address = f"/repair/{exam[0].study_instance_uid}/"
    for name, status in (("rita", 200), ("quinn", 200), ("clara", 403), ("omar", 404)):
        client.force_login(people[name])
        assert client.get(address).status_code == status, name
        assert client.post(f"{address}patients", {"find": "P2"}).status_code == status, name
        assert client.post(f"{address}studies").status_code == status, name
    client.force_login(people["omar"])
    assert client.get("/repair/1.2.3/").status_code == 404
    client.force_login(people["clara"])
    assert client.get("/repair/").status_code == 403
    assert client.post("/repair/undo", {"kind": "move", "key": "x"}).status_code == 403


def test_the_link_stands_on_the_page_of_the_study_for_who_may(client: Client, people: Any, exam: Any) -> None:
    for name, there in (("rita", True), ("clara", False)):
        client.force_login(people[name])
        page = client.get(f"/studies/{exam[0].study_instance_uid}/").content.decode()
        assert (f"/repair/{exam[0].study_instance_uid}/" in page) is there, name


def test_a_preview_does_nothing_and_says_both_patients(client: Client, people: Any, exam: Any) -> None:
    study, stranger = exam
    client.force_login(people["rita"])
    answer = post(client, study, "preview", action="correct", identity="known", patient=stranger.patient_id)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "P1" in page
    assert "P2" in page
    assert fresh(study).patient.patient_id == "P1"


def test_the_patient_of_a_study_is_corrected_and_who_opened_it_is_told(client: Client, people: Any, exam: Any) -> None:
    study, stranger = exam
    client.force_login(people["clara"])
    assert client.get(f"/studies/{study.study_instance_uid}/").status_code == 200
    client.force_login(people["rita"])
    said = {"action": "correct", "identity": "known", "patient": stranger.patient_id}
    assert post(client, study, "do", **said, seen=fresh(study).version).status_code == 302
    assert fresh(study).patient == stranger.patient
    told = Notification.objects.get()
    assert (told.user, told.kind, told.subject_uid) == (people["clara"], "repair.put_right", study.study_instance_uid)
    assert "Durand" not in str(vars(told))


def test_a_typed_patient_is_made(client: Client, people: Any, exam: Any) -> None:
    study, _stranger = exam
    client.force_login(people["rita"])
    said = {"action": "correct", "identity": "typed", "patient_id": "P7", "family_name": "Roux", "given_name": "Zoé"}
    assert post(client, study, "do", **said, birth_date="1980-01-02", seen=fresh(study).version).status_code == 302
    patient = fresh(study).patient
    assert (patient.patient_id, patient.patient_name) == ("P7", "Roux^Zoé")
    assert patient.issuer_of_patient_id


def test_a_series_is_moved_and_taken_back_by_the_page(client: Client, people: Any, exam: Any) -> None:
    study, stranger = exam
    client.force_login(people["rita"])
    series = study.series.get(modality="MR")
    said = {"action": "move", "series": series.pk, "to_study": stranger.pk}
    page = post(client, study, "preview", **said).content.decode()
    assert "another patient" in page
    done = {**said, "seen": fresh(study).version, "seen_there": fresh(stranger).version}
    answer = post(client, study, "do", **done)
    assert answer.headers["Location"] == f"/repair/{stranger.study_instance_uid}/"
    assert fresh(stranger).series_count == 2
    second = post(client, study, "do", **done)
    assert "Nothing was changed" in client.get(second.headers["Location"]).content.decode()
    history = client.get(f"/repair/{study.study_instance_uid}/").content.decode()
    group = Move.objects.get().group
    assert str(group) in history
    client.post("/repair/undo", {"kind": "move", "key": str(group)})
    assert fresh(stranger).series_count == 1
    assert fresh(study).series_count == 2


def test_a_study_that_one_may_not_add_to_is_as_absent(
    client: Client, people: Any, exam: Any, data_dir: Path, orthopaedics: Department
) -> None:
    study, _stranger = exam
    made = arrivals.dataset(PatientID="P9")
    services.register([arrivals.incoming(made, data_dir / "spool", orthopaedics)], actor=SYSTEM)
    hidden = Study.objects.get(study_instance_uid=made.StudyInstanceUID)
    client.force_login(people["rita"])
    said = {"action": "move", "series": study.series.all()[0].pk}
    for key in (hidden.pk, 10**9):
        assert post(client, study, "preview", **said, to_study=key).status_code == 404
        assert post(client, study, "do", **said, to_study=key, seen=1, seen_there=1).status_code == 404
    assert post(client, study, "preview", action="merge", merge_into=hidden.patient_id).status_code == 404
    assert "P9" not in client.post(f"/repair/{study.study_instance_uid}/patients", {"find": "P9"}).content.decode()
    group = services.move(
        hidden, series=[hidden.series.get().pk], to=services.Destination(), seen={}, reason="", actor=SYSTEM
    )
    assert group.pk != hidden.pk
    answer = client.post("/repair/undo", {"kind": "move", "key": str(Move.objects.get().group)})
    assert answer.status_code == 404


def test_a_whole_study_is_rejected_by_the_quality_officer_and_comes_back(
    client: Client, people: Any, exam: Any
) -> None:
    study, _stranger = exam
    client.force_login(people["quinn"])
    keys = [row.pk for row in study.series.all()]
    said = {"action": "reject", "series": keys, "code": "113001", "seen": fresh(study).version}
    assert post(client, study, "do", **said).status_code == 302
    assert fresh(study).instance_count == 0
    assert client.get(f"/studies/{study.study_instance_uid}/").status_code == 404
    row = Rejection.objects.get()
    page = client.get("/repair/").content.decode()
    assert f'value="{row.pk}"' in page
    client.post("/repair/undo", {"kind": "rejection", "key": str(row.pk)})
    assert client.get(f"/studies/{study.study_instance_uid}/").status_code == 200
    assert (
        post(client, study, "preview", action="correct", identity="typed", patient_id="X", family_name="Y").status_code
        == 403
    )


def test_patients_are_merged_and_parted_by_the_page(client: Client, people: Any, exam: Any) -> None:
    study, stranger = exam
    client.force_login(people["rita"])
    said = {"action": "merge", "merge_into": stranger.patient_id}
    assert "1 study" in post(client, study, "preview", **said).content.decode()
    post(client, study, "do", **said, seen=fresh(study).version)
    assert fresh(study).patient == stranger.patient
    client.post("/repair/undo", {"kind": "merge", "key": str(PatientMerge.objects.get().pk)})
    assert fresh(study).patient == Patient.objects.get(patient_id="P1")


def test_a_merge_reaches_departments_that_one_does_not_see_and_tells_nothing_of_them(
    client: Client, people: Any, exam: Any, data_dir: Path, orthopaedics: Department
) -> None:
    study, stranger = exam
    made = arrivals.dataset(StudyDescription="Elsewhere only")
    services.register([arrivals.incoming(made, data_dir / "spool", orthopaedics)], actor=SYSTEM)
    elsewhere = Study.objects.get(study_instance_uid=made.StudyInstanceUID)
    client.force_login(people["omar"])
    assert client.get(f"/studies/{elsewhere.study_instance_uid}/").status_code == 200
    client.force_login(people["rita"])
    said = {"action": "merge", "merge_into": stranger.patient_id}
    preview = post(client, study, "preview", **said).content.decode()
    assert "1 study of this patient" in preview
    assert "departments that you do not see, if there are any" in preview
    assert "Elsewhere only" not in preview
    post(client, study, "do", **said, seen=fresh(study).version)
    assert fresh(elsewhere).patient == stranger.patient
    on_record = AuditEvent.objects.filter(action="patient.corrected", subject_uid=elsewhere.study_instance_uid)
    assert on_record.get().actor_name == "rita"
    assert client.get(f"/studies/{elsewhere.study_instance_uid}/").status_code == 404
    told = Notification.objects.filter(user=people["omar"], subject_uid=elsewhere.study_instance_uid)
    assert told.count() == 1
    Notification.objects.all().delete()
    client.post("/repair/undo", {"kind": "merge", "key": str(PatientMerge.objects.get().pk)})
    assert fresh(elsewhere).patient.patient_id == "P1"
    assert told.count() == 1


def test_who_only_looks_at_the_patient_who_remains_merges_nobody_into_them(
    client: Client, people: Any, exam: Any, data_dir: Path, emergency: Department, orthopaedics: Department
) -> None:
    study, _stranger = exam
    made = arrivals.dataset(PatientID="P7", PatientName="Lent^Only")
    services.register([arrivals.incoming(made, data_dir / "spool", orthopaedics)], actor=SYSTEM)
    lent = Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)
    services.grant(
        lent,
        holder=emergency,
        gives=Grant.Gives.VIEW,
        basis=Grant.Basis.REQUEST,
        actor=SYSTEM,
        until=timezone.now() + timedelta(days=1),
    )
    client.force_login(people["rita"])
    assert client.get(f"/studies/{lent.study_instance_uid}/").status_code == 200
    said = {"action": "merge", "merge_into": lent.patient_id}
    assert post(client, study, "preview", **said).status_code == 404
    assert post(client, study, "do", **said, seen=fresh(study).version).status_code == 404
    found = client.post(f"/repair/{study.study_instance_uid}/patients?for=merge", {"find_merge": "Lent"})
    assert b"P7" not in found.content
    assert not PatientMerge.objects.exists()


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"action": "explode"},
        {"action": "move", "to_study": 1},
        {"action": "move", "series": "x"},
        {"action": "reject", "series": "1"},
        {"action": "reject", "series": "1", "code": "999"},
        {"action": "correct", "identity": "typed", "family_name": "A^B", "patient_id": "1"},
        {"action": "correct", "identity": "typed", "family_name": "A", "patient_id": "1", "birth_date": "2999-01-01"},
        {"action": "correct"},
        {"action": "merge"},
        {"action": "split", "instance": "9" * 40},
        {"action": "split", "series": "1", "reason": ""},
        {"action": "split", "series": "1", "reason": "x\x00y"},
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(client: Client, people: Any, exam: Any, said: Any) -> None:
    client.force_login(people["rita"])
    for step in ("preview", "do"):
        assert post(client, exam[0], step, **said).status_code == 422, step
    assert not Move.objects.exists()


def test_what_is_typed_is_escaped(client: Client, people: Any, exam: Any) -> None:
    client.force_login(people["rita"])
    said = {"action": "correct", "identity": "typed", "patient_id": "<b>1", "family_name": "<script>", "reason": "<i>"}
    page = post(client, exam[0], "preview", **said).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page.lower()
    assert "&lt;i&gt;" in page
