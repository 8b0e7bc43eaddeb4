"""The report of a shared study in a health wallet: the signed one alone, once its time has come, and on record."""

import base64

import pytest
from fhir.resources.R4B.diagnosticreport import DiagnosticReport

from accounts.audit.models import AuditEvent
from accounts.models import Department
from accounts.roles import Role
from imaging.reports.writing import services, signing
from imaging.sharing.models import Share
from imaging.sharing.models.choices import Recipient
from imaging.studies.models import Study
from tests.imaging.reports.writing.conftest import as_writer, member, wish
from tests.imaging.sharing.health_link.conftest import Wallet
from tests.shared_links import share_policy

__all__ = ["share_policy"]

pytestmark = pytest.mark.django_db(transaction=True)


def reports_in(wallet: Wallet) -> list[dict[str, object]]:
    [file] = wallet.ask(embeddedLengthMax=50_000_000).json()["files"]
    found = [entry["resource"] for entry in wallet.opened(file["embedded"])["entry"]]
    return [resource for resource in found if resource["resourceType"] == "DiagnosticReport"]


def written(study: Study, department: Department, *, is_signed: bool) -> None:
    radiologist = as_writer(member(department, Role.RADIOLOGIST, "Rita Roux"))
    draft = services.save(radiologist, study, wish())
    if is_signed:
        signing.sign(radiologist, study, seen_revision=draft.revision)


def test_a_signed_report_is_in_it_as_a_pdf_and_reading_it_is_on_record(
    wallet: Wallet, chest: Study, emergency: Department
) -> None:
    assert reports_in(wallet) == []
    written(chest, emergency, is_signed=True)
    [report] = reports_in(wallet)
    read = DiagnosticReport.model_validate(report)
    assert (read.status, read.resultsInterpreter[0].display) == ("final", "Rita Roux")
    assert base64.b64decode(report["presentedForm"][0]["data"]).startswith(b"%PDF-")  # type: ignore[index]
    assert AuditEvent.objects.filter(action="report.read", actor_kind="share").exists()


def test_a_draft_is_in_no_wallet(wallet: Wallet, chest: Study, emergency: Department) -> None:
    written(chest, emergency, is_signed=False)
    assert reports_in(wallet) == []


def test_a_patient_waits_for_the_report_in_a_wallet_too(
    wallet: Wallet, chest: Study, emergency: Department, share_policy: object
) -> None:
    share_policy(report_hours=72)  # type: ignore[operator]
    Share.objects.update(recipient=Recipient.PATIENT)
    written(chest, emergency, is_signed=True)
    assert reports_in(wallet) == []
