"""The editor and the page of a report, as people and attackers ask for them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.reports.models import OvertakenText, Report, ReportDraft, ReportingPolicy, ReportMacro, ReportVersion
from imaging.reports.templates import services as templates
from imaging.reports.writing import publishing, services
from imaging.reports.writing.policies import Writing
from imaging.studies.models import Instance, Study
from tests.accounts.signing_in.test_step_up import age
from tests.imaging.reports.writing.conftest import as_writer, text

pytestmark = pytest.mark.django_db

Of = Callable[[User], Client]


def put(client: Client, study: Study, revision: int = 0, **more: Any) -> Any:
    body = {"sections": text(), "revision": revision, "language": "en", "template": "", **more}
    return client.put(address(study, "draft"), json.dumps(body), content_type="application/json")


def address(study: Study, name: str) -> str:
    return f"/reports/{study.study_instance_uid}/{name}"


def signed(client: Client, study: Study) -> Report:
    revision = put(client, study).json()["revision"]
    answer = client.post(address(study, "sign"), {"revision": revision, "kind": "final"})
    assert answer.status_code == 302
    return Report.objects.get(study=study)


def test_a_report_is_written_saved_signed_and_read(
    study: Study, radiologist: User, clinician: User, client_of: Of
) -> None:
    writer = client_of(radiologist)
    page = writer.get(address(study, "write"))
    assert page.status_code == 200
    assert b'data-revision="0"' in page.content
    assert put(writer, study).json()["revision"] == 1
    assert put(writer, study, 1).json()["revision"] == 1
    assert b"Fracture of the fifth metacarpal." in writer.get(address(study, "write")).content

    answer = writer.post(address(study, "sign"), {"revision": 1, "kind": "final"})
    report = Report.objects.get()
    assert answer["Location"] == f"/reports/{report.key}/"

    read = client_of(clinician).get(f"/reports/{report.key}/")
    assert read.status_code == 200
    assert b"Fracture of the fifth metacarpal." in read.content
    assert AuditEvent.objects.filter(action="report.read", actor_id=str(clinician.pk)).count() == 1
    assert read["Cache-Control"] == "private, no-store"


def test_the_second_of_two_gets_both_texts(study: Study, radiologist: User, colleague: User, client_of: Of) -> None:
    first, second = client_of(radiologist), client_of(colleague)
    put(first, study)
    put(second, study, 1, sections=text("The colleague's."))

    answer = put(first, study, 1, sections=text("Mine <b>."))
    assert answer.status_code == 409
    told = answer.json()
    assert "Carl Colin" in told["message"]
    assert "<ins>Mine" in told["html"]
    assert "<b>" not in told["html"]
    assert "was overtaken" in first.get(address(study, "write")).content.decode()

    kept = put(first, study, told["revision"], sections=text("Mine <b>."), keep_mine=True)
    assert kept.json()["revision"] == told["revision"] + 1
    assert OvertakenText.objects.get(typed_by=colleague).sections == text("The colleague's.")
    assert "was overtaken" in second.get(address(study, "write")).content.decode()


def test_strangers_get_404_and_readers_without_the_capability_403(
    study: Study, radiologist: User, clinician: User, bob: User, trainee: User, client_of: Of
) -> None:
    report = signed(client_of(radiologist), study)
    stranger = client_of(bob)
    for path in (f"/reports/{report.key}/", f"/reports/{report.key}/report.pdf", f"/reports/{report.key}/beside"):
        assert stranger.get(path).status_code == 404
    assert client_of(clinician).get(address(study, "write")).status_code == 403
    assert put(client_of(clinician), study, 1).status_code == 403
    assert stranger.get(address(study, "write")).status_code == 403
    # A trainee reads, and takes nothing away.
    assert client_of(trainee).get(f"/reports/{report.key}/").status_code == 200
    assert client_of(trainee).get(f"/reports/{report.key}/report.pdf").status_code == 403


def test_a_draft_is_seen_by_those_who_write_alone(
    study: Study, radiologist: User, clinician: User, client_of: Of
) -> None:
    put(client_of(radiologist), study)
    report = Report.objects.get()
    assert client_of(clinician).get(f"/reports/{report.key}/").status_code == 404
    assert client_of(radiologist).get(f"/reports/{report.key}/").status_code == 302


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"sections": "x"}, "reload"),
        ({"sections": [{"code": "findings", "title": "", "text": "x" * 50_001}]}, "too long"),
        ({"sections": [{"code": "findings", "title": "", "text": "x"}] * 2}, "reload"),
        ({"revision": "1"}, "reload"),
        ({"language": "xx"}, "reload"),
    ],
)
def test_what_no_editor_sends_is_refused_in_words(
    study: Study, radiologist: User, client_of: Of, body: dict[str, Any], said: str
) -> None:
    answer = put(client_of(radiologist), study, **body)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert not ReportDraft.objects.exists()


def test_control_characters_and_markup_are_text(study: Study, radiologist: User, client_of: Of) -> None:
    writer = client_of(radiologist)
    put(writer, study, sections=text("</textarea><script>alert(1)</script>\x00\u202e[["))
    kept = ReportDraft.objects.get().sections[1]["text"]
    assert "\x00" not in kept
    assert "\u202e" not in kept
    assert b"<script>alert" not in writer.get(address(study, "write")).content
    report = Report.objects.get()
    writer.post(address(study, "sign"), {"revision": 1, "kind": "final"})
    assert b"<script>alert" not in writer.get(f"/reports/{report.key}/").content


def test_signing_asks_for_a_fresh_proof_and_carries_what_was_asked(
    study: Study, radiologist: User, client_of: Of
) -> None:
    writer = client_of(radiologist)
    put(writer, study)
    age(writer)
    answer = writer.post(address(study, "sign"), {"revision": 1, "kind": "final"}, HTTP_ACCEPT="text/html")
    assert answer.status_code == 403
    assert b'name="revision" value="1"' in answer.content
    assert not ReportVersion.objects.exists()


def test_the_best_template_begins_the_report_with_its_macros(study: Study, radiologist: User, client_of: Of) -> None:
    assert templates.load_starter(actor=SYSTEM) == 24
    Study.objects.filter(pk=study.pk).update(modalities=["CR"], body_part_examined="HAND")
    ReportMacro.objects.create(word="soft", text="Soft tissues normal.", owner=radiologist)

    page = client_of(radiologist).get(address(study, "write")).content.decode()
    assert "[[side|Right/Left]] hand" in page
    assert "Soft tissues normal." in page
    assert 'data-macros="{' in page


def test_dictation_is_off_until_the_hospital_allows_it(study: Study, radiologist: User, client_of: Of) -> None:
    writer = client_of(radiologist)
    page = writer.get(address(study, "write"))
    assert b"data-dictate" not in page.content
    assert "microphone=()" in page["Permissions-Policy"]

    ReportingPolicy.objects.create(pk=1, allows_dictation=True)
    page = writer.get(address(study, "write"))
    assert b"data-dictate" in page.content
    assert "microphone=(self)" in page["Permissions-Policy"]
    assert "microphone=()" in writer.get("/")["Permissions-Policy"]


def test_a_signed_report_gets_its_documents_once(study: Study, radiologist: User, client_of: Of) -> None:
    writer = client_of(radiologist)
    report = signed(writer, study)
    publishing.write_documents(str(report.key))
    publishing.write_documents(str(report.key))

    version = ReportVersion.objects.get()
    assert sorted(version.documents.values_list("kind", flat=True)) == ["encapsulated", "pdf", "structured"]
    assert Instance.objects.filter(study=study, series__modality__in=["DOC", "SR"]).count() == 2
    paper = writer.get(f"/reports/{report.key}/report.pdf")
    assert paper.content.startswith(b"%PDF")
    assert study.patient.patient_id not in paper["Content-Disposition"]
    assert AuditEvent.objects.filter(action="study.exported", actor_id=str(radiologist.pk)).count() == 1


def test_the_warning_stands_when_the_study_got_another_patient(study: Study, radiologist: User, client_of: Of) -> None:
    writer = client_of(radiologist)
    report = signed(writer, study)
    patient = study.patient
    patient.patient_id = "OTHER"
    patient.save()
    assert "another identity" in writer.get(f"/reports/{report.key}/").content.decode()


def test_own_templates_and_macros_are_ones_own(radiologist: User, colleague: User, client_of: Of) -> None:
    writer = client_of(radiologist)
    given = {"name": "Mine", "language": "en", "modality": "CT", "sections": "## findings\nA [[broken|x]] and [[.no]]"}
    answer = writer.post("/reports/templates/new", given, follow=True)
    assert "[[.no]]" in answer.content.decode()
    key = writer.get("/reports/templates/").content.decode().split("/reports/templates/")[2].split("/")[0]
    writer.post("/reports/templates/macros", {"word": "ok", "language": "en", "text": "All is well."})
    assert ReportMacro.objects.get().owner == radiologist
    other = client_of(colleague)
    assert b"Mine" not in other.get("/reports/templates/").content
    assert other.post(f"/reports/templates/macros/{ReportMacro.objects.get().pk}/forget").status_code == 404
    assert key


def test_who_writes_an_addendum_sees_what_it_is_added_to(study: Study, radiologist: User, client_of: Of) -> None:
    client = client_of(radiologist)
    assert "added to" not in client.get(address(study, "write")).content.decode()
    signed(client, study)
    services.begin(as_writer(radiologist), study, Writing.ADDENDUM)
    page = client.get(address(study, "write")).content.decode()
    assert "What the addendum is added to" in page
    assert "Fracture of the fifth metacarpal." in page
