"""A standing link shows what is the patient's own and may be shown this moment, and nothing else."""

import datetime as dt

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.labels import Label
from accounts.models import Department
from imaging.sharing.making.services import NotShared
from imaging.sharing.models import Share
from imaging.studies import oppositions, protecting
from imaging.studies.correction import merging
from imaging.studies.models import Patient, Placement, Study
from tests.factories import arrivals
from tests.imaging.sharing.record.conftest import Giving, Rules, come_in
from tests.shared_links import open_link
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

ALICE = Actor("user", "1", "alice")


def oppose(patient: Patient) -> None:
    """The patient does not wish access on the web."""
    said_on = dt.date(2026, 1, 1)
    oppositions.record_choice(
        patient, use="portal", answer="opposed", said_by="patient", said_on=said_on, evidence="", actor=ALICE
    )


def study_of(archive: Archive, **changes: object) -> Study:
    """Another examination that arrives in the emergency department."""
    made = arrivals.dataset(**{"PatientName": "Durand^Jeanne", "PatientBirthDate": "19620314", **changes})
    archive.receive(made)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


def text_of(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_the_patient_sees_examinations_of_today_and_later(
    give: Giving, chest: Study, archive: Archive, outside: Client
) -> None:
    root = come_in(outside, give(chest))
    page = text_of(outside, root)
    assert "Chest PA" in page
    assert "CT scan" in page
    later = study_of(archive, StudyDescription="Wrist left", PatientName="Durand^Jeanne", PatientBirthDate="19620314")
    page = text_of(outside, root)
    assert "Wrist left" in page
    assert f"/studies/{later.study_instance_uid}/" in page or f"/viewer/{later.study_instance_uid}/" in page
    assert outside.get(f"{root}viewer/{later.study_instance_uid}/manifest.json").status_code == 200


def test_nothing_of_another_patient_is_shown(give: Giving, chest: Study, archive: Archive, outside: Client) -> None:
    other = study_of(archive, PatientID="P2", StudyDescription="Skull of a stranger")
    root = come_in(outside, give(chest))
    assert "Skull of a stranger" not in text_of(outside, root)
    assert outside.get(f"{root}viewer/{other.study_instance_uid}/manifest.json").status_code == 404


def test_what_another_department_holds_is_not_shown(
    give: Giving, chest: Study, outside: Client, orthopaedics: Department
) -> None:
    root = come_in(outside, give(chest))
    Placement.objects.filter(study=chest).update(department=orthopaedics)
    assert "Chest PA" not in text_of(outside, root)
    assert outside.get(f"{root}viewer/{chest.study_instance_uid}/manifest.json").status_code == 404


def test_a_protected_examination_never_appears(give: Giving, chest: Study, archive: Archive, outside: Client) -> None:
    kept = study_of(archive, StudyDescription="Kept apart")
    root = come_in(outside, give(chest))
    assert "Kept apart" in text_of(outside, root)
    protecting.protect(kept, Label.PROTECTED, reason="a patient's wish", actor=ALICE)
    assert "Kept apart" not in text_of(outside, root)
    assert outside.get(f"{root}viewer/{kept.study_instance_uid}/manifest.json").status_code == 404
    assert outside.get(f"{root}dicom-web/studies/{kept.study_instance_uid}/metadata").status_code == 404


def test_an_opposition_to_access_on_the_web_closes_the_record_and_the_page_says_so(
    give: Giving, chest: Study, outside: Client
) -> None:
    made = give(chest)
    root = come_in(outside, made)
    oppose(chest.patient)
    page = text_of(outside, root)
    assert "Nothing is shown on the web" in page
    assert "Chest PA" not in page
    with pytest.raises(NotShared) as refused:
        give(chest)
    assert "patient_opposes" in [problem.why for problem in refused.value.problems]
    # The link can be closed all the same.
    outside.post(f"{root}record/close")
    made.share.refresh_from_db()
    assert made.share.state == Share.State.REVOKED


def test_an_opposition_under_the_number_that_remains_counts_too(give: Giving, chest: Study, outside: Client) -> None:
    root = come_in(outside, give(chest))
    into = Patient.objects.create(issuer_of_patient_id="HOSPITAL2", patient_id="SAME")
    merging.merge(chest.patient, into, reason="one person", actor=ALICE)
    assert "Chest PA" in text_of(outside, root)
    oppose(into)
    assert "Chest PA" not in text_of(outside, root)


def test_the_record_goes_on_when_the_patient_is_merged(
    give: Giving, chest: Study, archive: Archive, outside: Client
) -> None:
    root = come_in(outside, give(chest))
    study_of(archive, PatientID="SAME", StudyDescription="Under the other number")
    into = Patient.objects.get(patient_id="SAME")
    assert "Under the other number" not in text_of(outside, root)
    merging.merge(chest.patient, into, reason="one person", actor=ALICE)
    page = text_of(outside, root)
    assert "Chest PA" in page
    assert "Under the other number" in page


def test_an_examination_that_turns_out_to_be_another_persons_is_gone(
    give: Giving, chest: Study, outside: Client
) -> None:
    root = come_in(outside, give(chest))
    Study.objects.update(patient=Patient.objects.create(patient_id="SOMEBODY ELSE"))
    assert "Chest PA" not in text_of(outside, root)


def test_the_rules_of_this_moment_hold(give: Giving, rules: Rules, chest: Study, outside: Client) -> None:
    root = come_in(outside, give(chest))
    images = f"{root}viewer/{chest.study_instance_uid}/"
    download = f"{root}studies/{chest.study_instance_uid}/download"
    taken = outside.get(download)
    assert (outside.get(images).status_code, taken.status_code) == (200, 200)
    taken.close()
    rules(may_download=False)
    assert (outside.get(images).status_code, outside.get(download).status_code) == (200, 403)
    rules(shows_images=False)
    assert outside.get(images).status_code == 403
    frames = f"{root}dicom-web/studies/{chest.study_instance_uid}/rendered"
    assert outside.get(frames).status_code in {403, 404}
    page = text_of(outside, root)
    assert "Chest PA" in page
    assert "See the images" not in page


def test_where_patients_ask_is_told_in_their_language(
    give: Giving, rules: Rules, chest: Study, outside: Client
) -> None:
    rules(contact="Ward 3, telephone 12 34", contact_fr="Unité 3, téléphone 12 34")
    root = come_in(outside, give(chest))
    assert "Ward 3, telephone 12 34" in text_of(outside, root)
    outside.cookies["django_language"] = "fr"
    french = outside.get(root, headers={"Accept-Language": "fr"}).content.decode()
    assert "Unité 3" in french or "Ward 3" in french


def test_a_link_without_its_second_code_shows_nothing(give: Giving, chest: Study, outside: Client) -> None:
    made = give(chest)
    open_link(outside, made)
    root = f"/s/{made.share.key}/"
    page = text_of(outside, root)
    assert "Chest PA" not in page
    assert "Durand" not in page
    assert outside.get(f"{root}record/looks").status_code in {302, 404}
    outside.post(f"{root}record/close")
    made.share.refresh_from_db()
    assert made.share.state == Share.State.OPEN
