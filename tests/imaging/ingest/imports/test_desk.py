"""The import desk: nothing is registered before a person has said who it is, and nothing of other departments shows."""

import fcntl
import io
import threading
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from imaging.ingest import quotas, services
from imaging.ingest.imports import claims, decisions, examination, selectors
from imaging.ingest.imports.decisions import Answer, Unanswered
from imaging.ingest.imports.examination import Gone
from imaging.ingest.imports.importer import Importer
from imaging.ingest.models import Import, QuarantinedObject, Quota, Receipt
from imaging.ingest.spool import Spool
from imaging.ingest.uploads import staging
from imaging.studies.models import Correction, Instance, Patient, Placement, Study
from tests.factories import arrivals
from tests.imaging.ingest.imports.deliveries import actor_of, brought, confirmed, questions, worked_on
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


def disc_of(**changes: object) -> bytes:
    return arrivals.encoded(arrivals.dataset(**changes))


def states(delivery: Import) -> dict[str, str]:
    return dict(delivery.files.values_list("path", "state"))


def test_a_disc_is_shown_and_registered_only_after_a_yes(
    spool: Spool, alice: User, emergency: Department, disc_zip: Path
) -> None:
    delivery = worked_on(brought(alice, emergency, {"disc.zip": disc_zip}))
    assert delivery.state == Import.State.WAITING
    asked = questions(delivery)
    assert sum(one.person.instances for one in asked) == 31
    assert {one.suggested for one in asked} == {"new"}
    assert not Study.objects.exists()
    assert states(delivery)["disc.zip/AUTORUN.INF"] == "skipped"

    done = worked_on(confirmed(delivery))
    assert done.state == Import.State.DONE
    assert done.done_count == done.total_count == 31
    assert (done.summary, done.decisions) == ({}, {}), "names are kept no longer than they are needed"
    assert Instance.objects.count() == 31
    assert set(Placement.objects.values_list("department__code", flat=True)) == {"emergency"}
    assert not staging.folder_of(delivery.pk).exists()
    assert not spool.entries()
    assert AuditEvent.objects.filter(action="import.decided").count() == len(asked)


def test_a_foreign_number_is_kept_apart_from_ours(
    spool: Spool, archive: Archive, alice: User, emergency: Department
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1", PatientName="Durand^Hélène"))
    stranger = disc_of(PatientID="P1", PatientName="Petit^Marc", PatientBirthDate="19511224", PatientSex="M")
    delivery = worked_on(brought(alice, emergency, {"IM1": stranger}))
    [question] = questions(delivery)
    assert question.suggested == ""
    assert question.candidates[0].disagreement
    assert question.needs_issuer
    worked_on(confirmed(delivery, p1=Answer("new", issuer="Clinique des Lilas")))
    assert Patient.objects.count() == 2
    known = Patient.objects.get(issuer_of_patient_id="Clinique des Lilas")
    assert (known.patient_id, known.patient_name) == ("P1", "Petit^Marc")
    assert not QuarantinedObject.objects.exists()


def test_a_disc_becomes_that_of_our_patient_by_corrections(
    spool: Spool, archive: Archive, alice: User, emergency: Department
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1", PatientName="Durand^Hélène"))
    ours = Patient.objects.get()
    made = disc_of(PatientID="X-77", PatientName="DURAND^HELENE", IssuerOfPatientID="LILAS")
    delivery = worked_on(brought(alice, emergency, {"IM1": made}))
    [question] = questions(delivery)
    assert [one.patient for one in question.candidates] == [ours]
    assert question.suggested == "", "another number is a question for a person"
    worked_on(confirmed(delivery, p1=Answer("here", ours.pk)))
    assert Patient.objects.get() == ours
    assert Study.objects.filter(patient=ours).count() == 2
    correction = Correction.objects.get()
    assert correction.attributes["00100020"]["Value"] == ["P1"]
    assert not QuarantinedObject.objects.exists()


def test_the_obvious_patient_is_suggested(spool: Spool, archive: Archive, alice: User, emergency: Department) -> None:
    archive.receive(arrivals.dataset(PatientID="P1"))
    delivery = worked_on(brought(alice, emergency, {"IM1": disc_of(PatientID="P1")}))
    [question] = questions(delivery)
    assert question.suggested == f"here:{Patient.objects.get().pk}"


def test_a_number_alone_is_no_suggestion(spool: Spool, archive: Archive, alice: User, emergency: Department) -> None:
    archive.receive(arrivals.dataset(PatientID="P1"))
    bare = disc_of(PatientID="P1", PatientName=None, PatientBirthDate=None, PatientSex=None)
    [question] = questions(worked_on(brought(alice, emergency, {"IM1": bare})))
    assert question.suggested == ""


def test_patients_of_other_departments_are_never_named(
    spool: Spool, archive: Archive, alice: User, emergency: Department, orthopaedics: Department
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1"), department=orthopaedics)
    [question] = questions(worked_on(brought(alice, emergency, {"IM1": disc_of(PatientID="P1")})))
    assert question.candidates == []
    assert question.suggested == "new"


def test_a_study_of_another_department_is_not_joined_nor_told_of(
    spool: Spool, archive: Archive, alice: User, emergency: Department, orthopaedics: Department
) -> None:
    theirs = arrivals.dataset()
    archive.receive(theirs, department=orthopaedics)
    more = disc_of(StudyInstanceUID=theirs.StudyInstanceUID, SeriesInstanceUID=theirs.SeriesInstanceUID)
    delivery = worked_on(brought(alice, emergency, {"same": arrivals.encoded(theirs), "more": more}))
    [question] = questions(delivery)
    assert question.candidates == []
    assert [study.here for study in question.person.studies.values()] == [0]
    worked_on(confirmed(delivery))
    assert Instance.objects.count() == 1
    told = set(delivery.files.values_list("state", "outcome", "reason"))
    assert told == {("set_aside", "quarantined", "")}, "the same bytes and other ones are told alike"


def test_what_is_here_already_is_marked_and_nothing_is_doubled(
    spool: Spool, archive: Archive, alice: User, emergency: Department
) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    delivery = worked_on(brought(alice, emergency, {"IM1": arrivals.encoded(made)}))
    [question] = questions(delivery)
    assert [study.here for study in question.person.studies.values()] == [1]
    assert question.suggested.startswith("here:")
    worked_on(confirmed(delivery))
    assert Instance.objects.count() == 1
    assert delivery.files.get().outcome == "duplicate"


def test_a_patient_may_be_left_out_and_so_may_a_study(spool: Spool, alice: User, emergency: Department) -> None:
    files = {
        "a": disc_of(PatientID="A", PatientName="Adam^A", StudyInstanceUID="1.2.3.1"),
        "b": disc_of(PatientID="B", PatientName="Bertin^B", StudyInstanceUID="1.2.3.2"),
    }
    delivery = worked_on(brought(alice, emergency, files))
    keys = {one.person.patient_id: one.person.key for one in questions(delivery)}
    worked_on(confirmed(delivery, **{keys["B"]: Answer("skip")}))
    assert list(Study.objects.values_list("study_instance_uid", flat=True)) == ["1.2.3.1"]
    assert delivery.files.get(path="b").reason == "not_chosen"


def test_an_answer_that_is_missing_is_asked_for(spool: Spool, alice: User, emergency: Department) -> None:
    delivery = worked_on(brought(alice, emergency, {"a": disc_of()}))
    with pytest.raises(Unanswered) as raised:
        confirmed(delivery, p1=Answer(""))
    assert set(raised.value.errors) == {"p1"}
    delivery.refresh_from_db()
    assert delivery.state == Import.State.WAITING


def test_a_patient_out_of_scope_cannot_be_chosen_by_hand(
    spool: Spool, archive: Archive, alice: User, emergency: Department, orthopaedics: Department
) -> None:
    archive.receive(arrivals.dataset(PatientID="SECRET"), department=orthopaedics)
    theirs = Patient.objects.get()
    delivery = worked_on(brought(alice, emergency, {"a": disc_of(PatientID="A")}))
    for answer in (Answer("here", theirs.pk), Answer("number", number="SECRET")):
        with pytest.raises(Unanswered):
            confirmed(delivery, p1=answer)


def test_our_patient_is_found_by_number(spool: Spool, archive: Archive, alice: User, emergency: Department) -> None:
    archive.receive(arrivals.dataset(PatientID="P1", PatientName="Durand^Hélène"))
    delivery = worked_on(brought(alice, emergency, {"a": disc_of(PatientID="A", PatientName="Dupont^Helga")}))
    worked_on(confirmed(delivery, p1=Answer("number", number="P1")))
    assert Patient.objects.count() == 1
    assert not QuarantinedObject.objects.exists()


def test_nothing_is_kept_of_what_is_discarded(spool: Spool, alice: User, emergency: Department) -> None:
    delivery = worked_on(brought(alice, emergency, {"a": disc_of()}))
    decisions.discard(actor=actor_of(alice), user=alice, delivery_id=delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.summary, delivery.files.count()) == (Import.State.CANCELLED, {}, 0)
    assert not staging.folder_of(delivery.pk).exists()


def test_a_delivery_without_an_image_says_so(spool: Spool, alice: User, emergency: Department) -> None:
    delivery = worked_on(brought(alice, emergency, {"holiday.jpg": b"\xff\xd8\xff" + bytes(50)}))
    assert (delivery.state, delivery.problem) == (Import.State.FAILED, "nothing_found")
    assert not staging.folder_of(delivery.pk).exists(), "what nobody can use fills no disk"


def test_zips_in_a_zip_are_opened_once_and_their_objects_registered(
    spool: Spool, alice: User, emergency: Department, disc_zip: Path
) -> None:
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as made:
        made.write(disc_zip, "a/disc.zip")
        made.writestr("b/one.dcm", disc_of())
    delivery = worked_on(brought(alice, emergency, {"all.zip": outer.getvalue()}))
    worked_on(confirmed(delivery))
    assert Instance.objects.count() == 32


def test_a_fault_keeps_no_names(spool: Spool, alice: User, emergency: Department) -> None:
    delivery = worked_on(brought(alice, emergency, {"a": disc_of()}))
    confirmed(delivery)
    Import.objects.filter(pk=delivery.pk).update(decisions={"p1": {"corrections": 5}, "somebody": "Durand"})
    assert worked_on(delivery).state == Import.State.FAILED
    assert (delivery.problem, delivery.summary, delivery.decisions) == ("fault", {}, {})


def test_an_import_that_is_discarded_while_it_is_read_is_left_in_peace(
    spool: Spool, alice: User, emergency: Department, disc_zip: Path
) -> None:
    delivery = brought(alice, emergency, {"disc.zip": disc_zip})

    class Discarding(threading.Event):
        def is_set(self) -> bool:
            decisions.discard(actor=actor_of(alice), user=alice, delivery_id=delivery.pk)
            return False

    with pytest.raises(Gone):
        examination.examine(Import.objects.get(), stopping=Discarding())
    assert not delivery.files.exists()


def test_inner_zips_are_not_unpacked_into_the_reserve(
    spool: Spool, alice: User, emergency: Department, disc_zip: Path, settings: Any
) -> None:
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as made:
        made.write(disc_zip, "a/disc.zip")
    delivery = brought(alice, emergency, {"all.zip": outer.getvalue()})
    settings.SPOOL_RESERVE = lambda total: 10 * total
    assert worked_on(delivery).state == Import.State.EXAMINING
    assert delivery.problem == "disk_full"
    settings.SPOOL_RESERVE = lambda _total: 0
    assert worked_on(delivery).state == Import.State.WAITING
    assert delivery.problem == ""


def test_imports_that_wait_for_tomorrow_hold_up_no_other(
    spool: Spool, alice: User, emergency: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "_MOST_AT_WORK", 1)
    waiting = worked_on(brought(alice, emergency, {"a": disc_of()}))
    confirmed(waiting)
    Quota.objects.create(sender="*", door="upload", objects_per_day=0)
    Receipt.objects.create(hour=timezone.now(), door="upload", sender=alice.username, new=1, last_at=timezone.now())
    monkeypatch.setattr(services, "allowance", quotas.Allowance())
    importer = Importer()
    importer.work()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.problem) == (Import.State.REGISTERING, "quota")
    other = brought(alice, emergency, {"b": disc_of()})
    importer.work()
    other.refresh_from_db()
    assert other.state == Import.State.WAITING


def test_two_importers_never_work_on_one_import(spool: Spool, alice: User, emergency: Department) -> None:
    from imaging.ingest.imports.claims import claimed

    delivery = brought(alice, emergency, {"a": disc_of()})
    with claimed(delivery.pk) as is_ours:
        assert is_ours
        assert worked_on(delivery).state == Import.State.EXAMINING
    assert worked_on(delivery).state == Import.State.WAITING


def test_a_claim_on_a_file_that_is_gone_is_none(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    key = uuid4()
    first = claims.claimed(key)
    assert first.__enter__()
    lock = fcntl.flock

    def lets_go_before(file: Any, how: int) -> None:
        """The first one ends its work between the opening and the locking of the second."""
        monkeypatch.undo()
        first.__exit__(None, None, None)
        lock(file, how)

    monkeypatch.setattr(claims.fcntl, "flock", lets_go_before)
    with claims.claimed(key) as second, claims.claimed(key) as third:
        assert (second, third) == (False, True)


def test_a_full_disk_waits_and_says_so(spool: Spool, alice: User, emergency: Department, settings: object) -> None:
    delivery = worked_on(brought(alice, emergency, {"a": disc_of()}))
    confirmed(delivery)
    settings.SPOOL_RESERVE = lambda total: 10 * total  # type: ignore[attr-defined]
    assert worked_on(delivery).state == Import.State.REGISTERING
    assert delivery.problem == "disk_full"
    settings.SPOOL_RESERVE = lambda _total: 0  # type: ignore[attr-defined]
    assert worked_on(delivery).state == Import.State.DONE
    assert Instance.objects.count() == 1


def test_an_import_that_lost_its_owner_s_right_registers_nothing(
    spool: Spool, alice: User, emergency: Department
) -> None:
    delivery = worked_on(brought(alice, emergency, {"a": disc_of()}))
    confirmed(delivery)
    alice.memberships.all().delete()
    assert worked_on(delivery).problem == "not_allowed"
    assert not Instance.objects.exists()
