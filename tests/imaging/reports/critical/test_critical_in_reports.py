"""A signed report tells which critical findings there were, who was told, and who had said that they know."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from imaging.reports.critical import selectors, services
from imaging.reports.documents import canonical
from imaging.reports.documents.sheet import sheet
from imaging.reports.models import CriticalFinding, ReportVersion
from imaging.reports.writing import services as writing
from imaging.reports.writing import signing
from imaging.reports.writing.policies import Writing
from imaging.studies.models import Study
from tests.imaging.reports.critical.test_critical_findings import _person as person
from tests.imaging.reports.critical.test_critical_findings import raised, study
from tests.imaging.reports.writing.conftest import as_writer, saved, wish

__all__ = ["raised", "study"]
pytestmark = pytest.mark.django_db


def signed(user: User, study: Study) -> ReportVersion:
    return signing.sign(as_writer(user), study, seen_revision=saved(user, study))


def told(version: ReportVersion) -> str:
    return " | ".join(sheet(canonical.read(version.content)).critical)


def test_a_report_tells_whom_the_finding_was_told_to_and_that_it_waits(
    raised: CriticalFinding, rita: User, alice: User
) -> None:
    version = signed(rita, raised.study)
    (kept,) = canonical.read(version.content).critical
    assert (kept.text, kept.told, kept.at) == ("Tension pneumothorax", alice.label, raised.raised_at)
    assert kept.acknowledged_at is None
    assert "not acknowledged" in told(version)


def test_an_acknowledgement_stands_in_what_is_signed_after_it_and_not_in_what_was_signed_before(
    raised: CriticalFinding, rita: User, alice: User
) -> None:
    before = signed(rita, raised.study)
    services.acknowledge(person(alice), raised.key)
    before.refresh_from_db()
    assert canonical.digest(before.content) == before.digest
    assert "not acknowledged" in told(before)

    writing.begin(as_writer(rita), raised.study, Writing.ADDENDUM)
    revision = writing.save(as_writer(rita), raised.study, wish("Told.", seen=1)).revision
    after = signing.sign(as_writer(rita), raised.study, seen_revision=revision)
    (kept,) = canonical.read(after.content).critical
    assert kept.acknowledged_by == alice.label
    assert kept.acknowledged_at is not None
    assert f"acknowledged by {alice.label}" in told(after)


def test_somebody_outside_is_to_be_told_until_it_is_noted_that_they_were(study: Study, rita: User) -> None:
    outside = services.raise_finding(
        person(rita), study, level="orange", text="Nodule", recipient=None, recipient_name="Dr Lenoir"
    )
    assert "to be told to Dr Lenoir" in told(signed(rita, study))
    services.note_told(person(rita), outside.key, told="Dr Lenoir, by telephone")
    writing.begin(as_writer(rita), study, Writing.ADDENDUM)
    revision = writing.save(as_writer(rita), study, wish("Told.", seen=1)).revision
    after = signing.sign(as_writer(rita), study, seen_revision=revision)
    assert "acknowledged by Dr Lenoir, by telephone" in told(after)


def test_what_was_taken_back_is_not_told(raised: CriticalFinding, rita: User) -> None:
    services.withdraw(person(rita), raised.key, reason="Artefact")
    assert canonical.read(signed(rita, raised.study).content).critical == ()
    assert selectors.holding(raised.study) == []


def test_a_record_that_was_signed_before_acknowledgements_were_kept_keeps_its_digest(
    raised: CriticalFinding, rita: User
) -> None:
    kept = json.loads(json.dumps(signed(rita, raised.study).content))
    for entry in kept["critical"]:
        del entry["acknowledged_by"], entry["acknowledged_at"]
    read = canonical.read(kept)
    assert read.digest == canonical.digest(kept)
    assert read.critical[0].text == "Tension pneumothorax"


def test_who_raises_it_while_writing_goes_on_writing(study: Study, rita: User, alice: User) -> None:
    client = Client()
    client.force_login(rita)
    editor = reverse("reports:write", args=[study.study_instance_uid])
    address = reverse("reports:critical-raise", args=[study.study_instance_uid]) + "?from=report"
    assert address in client.get(editor).content.decode()
    page = client.get(address)
    assert editor in page.content.decode()
    answer = client.post(
        address, {"level": "red", "text": "Tension pneumothorax", "recipient": alice.label, "recipient_name": ""}
    )
    assert answer.url == editor  # type: ignore[attr-defined]
    assert "Tension pneumothorax" in client.get(editor).content.decode()
