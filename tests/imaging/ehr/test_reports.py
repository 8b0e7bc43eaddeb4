"""Reports of another system: kept as the study's report, version by version, or waiting for its images (ORU, MDM; ID-8, FR-5)."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from accounts.audit.models import AuditEvent
from accounts.models import Department
from accounts.roles import Role
from imaging.ehr import services
from imaging.ehr.models import Hl7Message, Hl7Notice, Hl7Peer
from imaging.ehr.sending import telling
from imaging.orders.models import StudyLink
from imaging.reports.documents import canonical, sheet
from imaging.reports.models import Report, ReportDocument, ReportVersion
from imaging.reports.writing import publishing, selectors
from imaging.reports.writing import services as writing
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion, Study
from tests.factories import arrivals
from tests.factories.exam_requests import exam_request
from tests.imaging.ehr.conftest import Tell
from tests.imaging.ehr.sent import PDF, WORDS, adt, ed, oru
from tests.imaging.reports.writing.conftest import as_writer, member, saved, wish
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


def tell(raw: bytes) -> str:
    (answer,) = services.receive(raw, "127.0.0.1")
    return answer.decode().replace("\r", "\n")


@pytest.fixture(autouse=True)
def reporter(register: Hl7Peer) -> Hl7Peer:
    """The register may report."""
    register.may_report = True
    register.save()
    return register


@pytest.fixture
def study(reporter: Hl7Peer, archive: Archive) -> Study:
    """The study that is reported."""
    return received(archive, AccessionNumber="A77")


def received(archive: Archive, **changes: Any) -> Study:
    made = arrivals.dataset(**changes)
    archive.receive(made)
    return Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)


def states() -> list[tuple[str, str]]:
    return [(row.kind, row.signer) for row in ReportVersion.objects.order_by("number")]


@pytest.mark.parametrize("by", ["uid", "accession"])
def test_a_report_becomes_the_studys_with_its_words_and_who_signed(study: Study, by: str) -> None:
    found = {"uid": study.study_instance_uid, "accession": ""} if by == "uid" else {}
    assert "MSA|AA" in tell(oru(**found))  # type: ignore[arg-type]

    report = Report.objects.get(study=study)
    version = ReportVersion.objects.get()
    content = canonical.read(version.content)
    assert (report.state, report.source, report.author) == ("final", f"hl7:{Hl7Peer.objects.get().pk}", None)
    assert [(each.code, each.title, each.text) for each in content.sections] == [
        ("findings", "Findings", "Nodules & scars.\nHeart normal."),
        ("impression", "Impression", "Metastases."),
    ]
    assert version.signer == "Durand, Émilie"
    shown = sheet.sheet(content)
    assert shown.signatures_label == "Signé, selon Register"
    assert shown.signatures[0].label == "Durand, Émilie"
    assert version.signed_at.isoformat() == "2026-01-05T09:00:00+00:00"
    assert version.digest == canonical.digest(version.content)
    event = AuditEvent.objects.get(action="report.received")
    assert (event.actor_name, event.subject_uid) == ("Register", study.study_instance_uid)


def test_its_documents_are_made_as_of_any_report(study: Study) -> None:
    tell(oru())
    publishing.write_documents(str(Report.objects.get().key))
    assert set(ReportDocument.objects.values_list("kind", flat=True)) == {"pdf", "encapsulated", "structured"}
    assert Instance.objects.filter(series__modality="SR").count() == 1


def test_the_paper_that_came_is_the_paper(study: Study) -> None:
    tell(oru(*WORDS, ed(PDF)))
    version = ReportVersion.objects.get()
    assert storage.read(publishing.paper(version, version.report)) == PDF
    publishing.write_documents(str(version.report.key))
    kept = InstanceVersion.objects.current().get(instance__series__modality="DOC")
    assert dcmread(io.BytesIO(storage.read(kept.stored_object))).EncapsulatedDocument.rstrip(b"\0") == PDF
    assert len(canonical.read(version.content).sections) == 2


def test_a_paper_alone_is_a_report_that_says_where_its_words_are(study: Study) -> None:
    assert "MSA|AA" in tell(oru(ed(PDF)))
    (section,) = canonical.read(ReportVersion.objects.get().content).sections
    assert section.text == "Le compte rendu est le document joint."


@pytest.mark.parametrize("gap", ["", "\\.br\\", "\\X0D0A\\", " "])
def test_a_long_paper_comes_as_it_was_sent_whatever_breaks_its_lines(study: Study, gap: str) -> None:
    """Pitfall 20 on a small scale: longer than what is taken out before a message is taken apart."""
    pdf = PDF + bytes(range(256)) * 4096
    text = base64.b64encode(pdf).decode()
    broken = gap.join(text[at : at + 400_000] for at in range(0, len(text), 400_000))
    assert "MSA|AA" in tell(oru(*WORDS, f"OBX|4|ED|PDF||^Application^PDF^Base64^{broken}||||||F"))
    version = ReportVersion.objects.get()
    assert storage.read(publishing.paper(version, version.report)) == pdf
    assert base64.b64decode(bytes(Hl7Message.objects.get().raw).rpartition(b"Base64^")[2].split(b"|")[0][:40])


def test_a_value_cannot_pretend_to_be_a_long_one(study: Study) -> None:
    """What stands in a message in place of a long value is no way to another one."""
    long = base64.b64encode(PDF + bytes(400_000)).decode()
    answer = tell(oru("OBX|1|ED|PDF||^Application^PDF^Base64^\x007\x00||||||F", f"OBX|2|ST|1^x||{long}||||||F"))
    assert "ERR||OBX^1^5|101^" in answer


def test_a_text_of_any_length_is_read_or_refused_never_cut(study: Study) -> None:
    answer = tell(oru("OBX|1|FT|1^x||" + "Word. \\.br\\" * 40_000 + "||||||F"))
    assert "ERR||OBX^1^5|102^" in answer
    assert not Report.objects.exists()


CDA = """<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>CR</title><component>{body}</component></ClinicalDocument>"""


def test_a_cda_document_gives_its_sections_and_is_kept_as_it_came(study: Study) -> None:
    body = (
        "<structuredBody><component><section><title>Résultats</title><text><paragraph>Nodules.</paragraph>"
        "<list><item>à droite</item></list><table><tr><td>A</td><td>1</td></tr></table><script>x</script></text>"
        "</section></component><component><section><title>Conclusion</title><text>Métastases.</text></section>"
        "</component></structuredBody>"
    )
    given = CDA.format(body=body).encode()
    tell(oru(ed(given, "TEXT^XML")))
    version = ReportVersion.objects.get()
    assert [(each.code, each.text) for each in canonical.read(version.content).sections] == [
        ("findings", "Nodules.\n- à droite\nA | 1"),
        ("impression", "Métastases."),
    ]
    kept = ReportDocument.objects.get(kind="clinical").stored_object
    assert kept is not None
    assert storage.read(kept) == given


def test_the_pdf_in_a_cda_document_is_its_paper(study: Study) -> None:
    pdf = base64.b64encode(PDF).decode()
    body = f'<nonXMLBody><text mediaType="application/pdf" representation="B64">{pdf}</text></nonXMLBody>'
    tell(oru(ed(CDA.format(body=body).encode(), "TEXT^XML")))
    version = ReportVersion.objects.get()
    assert storage.read(publishing.paper(version, version.report)) == PDF


@pytest.mark.parametrize(
    ("observation", "code", "where"),
    [
        ("OBX|1|ED|PDF||^Application^PDF^Base64^%%%||||||F", "101", "OBX^1^5"),
        ("OBX|1|ED|PDF||^Application^PDF^Base64^||||||F", "101", "OBX^1^5"),
        ("OBX|1|ED|PDF||^Application^PDF^Hex^00||||||F", "101", "OBX^1^5"),
        ("OBX|1|ED|PDF||^Application^PDF^Base64^aGVsbG8=||||||F", "102", "OBX^1^5"),
        (ed(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "TEXT^XML"), "102", "OBX^1^5"),
        ("OBX|1|FT|1^x||||||||F", "101", "OBX^1^5"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_where_it_stands(
    study: Study, observation: str, code: str, where: str
) -> None:
    answer = tell(oru(observation))
    assert "MSA|AE" in answer
    assert f"ERR||{where}|{code}^" in answer
    assert not Report.objects.exists()


class TestItsLife:
    """Preliminary, final, corrected, cancelled (pitfall 18), as often and in whatever order it is told."""

    def test_every_state_is_a_version(self, study: Study) -> None:
        tell(oru("OBX|1|TX|1^Text||First look.||||||P", status="P"))
        tell(oru("OBX|1|TX|1^Text||Sure now.||||||F"))
        tell(oru("OBX|1|TX|1^Text||Other side.||||||C", status="C"))
        tell(oru("OBX|1|TX|1^Text||Wrong patient.||||||W", status="X"))
        assert [kind for kind, _signer in states()] == ["preliminary", "final", "correction", "withdrawal"]
        assert Report.objects.get().state == "withdrawn"
        assert ReportVersion.objects.get(number=4).reason == "Wrong patient."

    def test_what_is_known_makes_no_version(self, study: Study) -> None:
        tell(oru(*WORDS, ed(PDF)))
        tell(oru(*WORDS, ed(PDF)))
        assert "AA" in tell(oru(*WORDS, ed(PDF), status="C"))
        assert len(states()) == 1
        tell(oru(*WORDS, ed(PDF + b"%")))
        assert [kind for kind, _signer in states()] == ["final", "correction"]

    def test_a_preliminary_one_that_comes_after_the_final_one_changes_nothing(self, study: Study) -> None:
        tell(oru())
        assert "AA" in tell(oru("OBX|1|TX|1^Text||First look.||||||P", status="P"))
        assert Report.objects.get().state == "final"

    def test_a_correction_of_what_was_never_told_is_the_report(self, study: Study) -> None:
        tell(oru(status="C"))
        assert [kind for kind, _signer in states()] == ["final"]

    def test_nothing_is_withdrawn_that_is_not_there(self, study: Study) -> None:
        assert "ERR||OBR^1^18|204^" in tell(oru(status="X"))

    def test_a_status_without_results_keeps_nothing(self, study: Study) -> None:
        assert "AA" in tell(oru(status="I"))
        assert not Report.objects.exists()

    def test_lines_of_one_text_are_one_text(self, study: Study) -> None:
        rows = [f"OBX|{number}|TX|1^Report text||Line {number}.||||||F" for number in range(1, 4)]
        tell(oru(*rows))
        (section,) = canonical.read(ReportVersion.objects.get().content).sections
        assert section.text == "Line 1.\nLine 2.\nLine 3."

    def test_a_text_of_many_headings_loses_nothing(self, study: Study) -> None:
        rows = [f"OBX|{number}|TX|{number}^Part {number}||Words {number}.||||||F" for number in range(1, 31)]
        tell(oru(*rows))
        content = canonical.read(ReportVersion.objects.get().content)
        assert all(f"Words {number}." in "".join(each.text for each in content.sections) for number in range(1, 31))


class TestWhoseStudy:
    """Study Instance UID, order, accession number of the patient: nothing is guessed."""

    def test_a_study_of_another_patient_is_not_reported(self, study: Study) -> None:
        tell(adt("A04", pid="P2^^^HOSPITAL^MR", name="Other^Person"))
        answer = tell(oru(uid=study.study_instance_uid, pid="P2^^^HOSPITAL^MR"))
        assert "ERR||PID^1^3|204^" in answer
        assert not Report.objects.exists()

    def test_a_number_that_two_hospitals_use_is_that_of_the_patient(self, study: Study, archive: Archive) -> None:
        """Pitfall 17."""
        other = received(archive, AccessionNumber="A77", PatientID="P9", PatientName="Other^Person")
        tell(oru())
        assert [report.study for report in Report.objects.all()] == [study]
        assert other.patient_id != study.patient_id

    def test_without_a_known_number_name_and_birth_date_have_to_agree(self, study: Study) -> None:
        tell(oru(pid="P77^^^HOSPITAL^MR", born="19810101"))
        assert not Report.objects.exists()
        assert Hl7Message.objects.get().state == "awaiting"
        tell(oru(pid="P77^^^HOSPITAL^MR"))
        assert Report.objects.get().study == study

    def test_a_uid_under_an_unknown_number_needs_the_name_and_the_birth_date(self, study: Study) -> None:
        assert "204^" in tell(oru(uid=study.study_instance_uid, pid="P77^^^HOSPITAL^MR", born="19810101"))
        assert "MSA|AA" in tell(oru(uid=study.study_instance_uid, pid="P77^^^HOSPITAL^MR"))
        assert Report.objects.get().study == study

    def test_an_order_leads_to_its_images(self, study: Study, reporter: Hl7Peer, emergency: Department) -> None:
        asked = exam_request(
            asking=emergency, performing=emergency, patient=study.patient,
            placer_order_number="PON1", source=f"hl7:{reporter.pk}",
        )  # fmt: skip
        StudyLink.objects.create(request=asked, study=study, basis="person", made_by="test")
        tell(oru(accession="", placer="PON1"))
        assert Report.objects.get().study == study

    def test_procedures_that_were_read_together_have_one_text(self, study: Study, archive: Archive) -> None:
        second = received(archive, AccessionNumber="A78")
        group = "OBR|2|||CT2^CT^L" + "|" * 14 + "A78||||20260105100000||CR|F"
        tell(oru(*WORDS, groups=(group,)))
        assert {report.study for report in Report.objects.all()} == {study, second}

    def test_images_of_several_studies_under_one_number_all_have_it(self, study: Study, archive: Archive) -> None:
        second = received(archive, AccessionNumber="A77")
        tell(oru())
        assert {report.study for report in Report.objects.all()} == {study, second}

    def test_an_issuer_of_nobody_is_refused(self, study: Study) -> None:
        assert "ERR||PID^1^3|204^" in tell(oru(pid="P1^^^ELSEWHERE&9.9.9&ISO^MR"))


class TestTwoWriters:
    """One system writes a report."""

    def test_what_is_written_here_is_not_overwritten(self, study: Study, emergency: Department) -> None:
        radiologist = member(emergency, Role.RADIOLOGIST, "Rita Roux")
        saved(radiologist, study)
        assert "ERR||OBR^1^25|206^" in tell(oru())
        assert Report.objects.get().source == ""

    def test_what_is_kept_elsewhere_is_not_written_here(self, study: Study, emergency: Department) -> None:
        tell(oru("OBX|1|TX|1^Text||First look.||||||P", status="P"))
        radiologist = member(emergency, Role.RADIOLOGIST, "Rita Roux")
        person = as_writer(radiologist)
        assert not selectors.powers(person, study).may_write
        with pytest.raises(writing.Refused):
            writing.save(person, study, wish())

    def test_another_system_does_not_change_it(self, study: Study, reporter: Hl7Peer) -> None:
        tell(oru())
        Hl7Peer.objects.create(
            name="RIS 2",
            sending_application="RIS2",
            sending_facility="DEMO HOSPITAL",
            site=reporter.site,
            may_report=True,
        )
        assert "206^" in tell(oru(application="RIS2", status="C"))

    def test_it_is_not_told_back(self, study: Study, reporter: Hl7Peer, destination: Tell) -> None:
        destination()
        tell(oru())
        telling.report_changed(str(Report.objects.get().key))
        assert not Hl7Notice.objects.exists()

    def test_who_may_not_report_is_refused(self, study: Study, reporter: Hl7Peer) -> None:
        reporter.may_report = False
        reporter.save()
        assert "ERR||MSH^1^9|200^" in tell(oru())


def mdm(event: str, txa17: str = "LA") -> bytes:
    txa = "TXA|1|RA|FT|20260105100000|" + "|" * 5 + "1234^Durand^Émilie||DOC1||PON1|A77||" + txa17
    return oru(kind=f"MDM^{event}^MDM_T02", groups=(txa,)).replace(b"OBR|", b"ZZZ|")


@pytest.mark.parametrize(
    ("event", "authenticated", "kinds"),
    [
        ("T02", "LA", ["final"]),
        ("T02", "DO", ["preliminary"]),
        ("T01", "LA", []),
        ("T10", "LA", ["final"]),
    ],
)
def test_documents_of_mdm_are_reports(study: Study, event: str, authenticated: str, kinds: list[str]) -> None:
    assert "MSA|AA" in tell(mdm(event, authenticated))
    assert [kind for kind, _signer in states()] == kinds


def test_an_mdm_is_added_to_replaced_and_cancelled(study: Study) -> None:
    for event in ("T02", "T06", "T11"):
        assert "MSA|AA" in tell(mdm(event))
    assert [kind for kind, _signer in states()] == ["final", "addendum", "withdrawal"]
    assert states()[0][1] == "Durand, Émilie"


def test_the_demos_report_is_understood(reporter: Hl7Peer, archive: Archive) -> None:
    site = reporter.site
    site.issuer_of_patient_id, site.issuer_oid = "DEMO", ""
    site.save()
    uid = "1.3.6.1.4.1.5962.1.2.9.20040826185059.5457"
    study = received(
        archive, StudyInstanceUID=uid, PatientID="9RG1", PatientName="Lefevre^Helene", IssuerOfPatientID="DEMO"
    )
    data = Path(__file__).resolve().parents[3] / "portal" / "demo" / "data" / "hl7" / "demo-oru-r01-report.hl7"
    assert "MSA|AA" in tell(data.read_bytes())
    content = canonical.read(ReportVersion.objects.get(report__study=study).content)
    assert content.language == "fr"
    assert content.sections[0].text == "Multiples opacités nodulaires bilatérales.\nSilhouette cardiaque normale."
    assert content.sections[1].text == "Aspect de métastases pulmonaires & contrôle TDM conseillé."
