"""The signed report of an examination in a patient's record: after its time, and not before a critical finding was spoken of."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Role
from imaging.reports.documents.content import Person
from imaging.reports.models import CriticalFinding, Report
from imaging.reports.writing import receiving, services, signing
from imaging.reports.writing.receiving import Received, Told
from imaging.sharing.models.records import Ground, Relation
from imaging.studies.models import Study
from tests.imaging.reports.writing.conftest import as_writer, member, wish
from tests.imaging.sharing.record.conftest import Giving, Rules, come_in
from tests.imaging.sharing.record.test_what_a_record_shows import text_of
from tests.shared_links import share_policy

__all__ = ["share_policy"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def radiologist(emergency: Department) -> User:
    """Who writes the reports."""
    return member(emergency, Role.RADIOLOGIST, "Rita Roux")


@pytest.fixture
def signed(chest: Study, radiologist: User) -> Study:
    """The chest film, reported."""
    draft = services.save(as_writer(radiologist), chest, wish())
    signing.sign(as_writer(radiologist), chest, seen_revision=draft.revision)
    return chest


def report_at(root: str, study: Study) -> str:
    return f"{root}studies/{study.study_instance_uid}/report.pdf"


def test_a_draft_is_not_shown(give: Giving, rules: Rules, chest: Study, radiologist: User, outside: Client) -> None:
    rules(report_days=0)
    services.save(as_writer(radiologist), chest, wish())
    root = come_in(outside, give(chest))
    assert "There is no signed report yet" in text_of(outside, root)
    assert outside.get(report_at(root, chest)).status_code == 404


def test_a_signed_report_waits_the_days_of_the_rules(
    give: Giving, rules: Rules, signed: Study, outside: Client
) -> None:
    root = come_in(outside, give(signed))
    assert "The report can be read here from" in text_of(outside, root)
    assert outside.get(report_at(root, signed)).status_code == 404
    rules(report_days=0, critical_report_days=0)
    assert report_at(root, signed) in text_of(outside, root)
    answer = outside.get(report_at(root, signed))
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF-")
    assert answer["Content-Disposition"].startswith("inline;")


def test_what_its_writer_hides_from_the_patient_is_not_shown_and_not_announced(
    give: Giving, rules: Rules, signed: Study, outside: Client
) -> None:
    """FR-5."""
    rules(report_days=0, critical_report_days=0)
    Report.objects.update(is_hidden_from_patient=True)
    root = come_in(outside, give(signed))
    page = text_of(outside, root)
    assert "There is no signed report yet" in page
    assert outside.get(report_at(root, signed)).status_code == 404
    # Representatives alone: the patient reads it.
    Report.objects.update(is_hidden_from_patient=False, is_hidden_from_proxies=True)
    assert outside.get(report_at(root, signed)).status_code == 200


def test_the_paper_of_another_system_is_saved_and_not_shown_beside_our_pages(
    give: Giving, rules: Rules, chest: Study, outside: Client
) -> None:
    rules(report_days=0, critical_report_days=0)
    told = Received(
        source="hl7:1", source_name="RIS", sequence=1, told=Told.FINAL, at=timezone.now(), signer=Person(name="Émilie Durand"),
        language="fr", sections=[{"code": "findings", "title": "Texte", "text": "Rien."}], paper=b"%PDF-1.4\n%%EOF\n",
    )  # fmt: skip
    receiving.receive(chest, told, actor=SYSTEM)
    answer = outside.get(report_at(come_in(outside, give(chest)), chest))
    assert answer.content == b"%PDF-1.4\n%%EOF\n"
    assert answer["Content-Disposition"].startswith("attachment;")


def test_the_hours_that_patients_wait_anyway_hold_too(
    give: Giving, rules: Rules, signed: Study, outside: Client, share_policy: object
) -> None:
    rules(report_days=0)
    root = come_in(outside, give(signed))
    assert outside.get(report_at(root, signed)).status_code == 200
    share_policy(report_hours=72)  # type: ignore[operator]
    assert outside.get(report_at(root, signed)).status_code == 404


@pytest.fixture
def finding(signed: Study, radiologist: User) -> CriticalFinding:
    """What was found and has to be told at once."""
    return CriticalFinding.objects.create(
        study=signed, level="red", text="Tension pneumothorax", raised_by=radiologist, due_at=timezone.now()
    )


def test_a_critical_finding_is_spoken_of_before_it_is_read(
    give: Giving, rules: Rules, signed: Study, finding: CriticalFinding, radiologist: User, outside: Client
) -> None:
    rules(report_days=0, critical_report_days=0)
    root = come_in(outside, give(signed))
    page = text_of(outside, root)
    assert "Your doctor speaks with you about it first" in page
    assert "pneumothorax" not in page
    assert outside.get(report_at(root, signed)).status_code == 404
    CriticalFinding.objects.update(acknowledged_at=timezone.now(), acknowledged_by=radiologist)
    assert outside.get(report_at(root, signed)).status_code == 200
    rules(report_days=0, critical_report_days=7)
    assert outside.get(report_at(root, signed)).status_code == 404
    CriticalFinding.objects.update(withdrawn_at=timezone.now())
    assert outside.get(report_at(root, signed)).status_code == 200


def test_only_reports_are_shown_where_the_rules_say_so(
    give: Giving, rules: Rules, signed: Study, outside: Client
) -> None:
    rules(report_days=0, critical_report_days=0, shows_images=False)
    root = come_in(outside, give(signed))
    page = text_of(outside, root)
    assert report_at(root, signed) in page
    assert "See the images" not in page
    assert outside.get(report_at(root, signed)).status_code == 200


def test_reports_are_kept_from_proxies_where_the_rules_say_so(
    give: Giving, rules: Rules, signed: Study, outside: Client
) -> None:
    rules(report_days=0, proxies_see_reports=False)
    mine = come_in(outside, give(signed))
    theirs = come_in(outside, give(signed, relation=Relation.PARTNER, ground=Ground.WISH, name="Paul Roche"))
    assert outside.get(report_at(mine, signed)).status_code == 200
    assert outside.get(report_at(theirs, signed)).status_code == 404
    assert "report" not in text_of(outside, theirs).split("<main")[1].lower()


def test_the_report_is_no_object_of_the_record(give: Giving, rules: Rules, signed: Study, outside: Client) -> None:
    root = come_in(outside, give(signed))
    answer = outside.get(f"{root}dicom-web/studies/{signed.study_instance_uid}/series")
    assert {row["00080060"]["Value"][0] for row in answer.json()} <= {"CT"}
