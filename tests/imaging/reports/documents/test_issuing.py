"""Documents of a report become instances of its study: once, beside the images, at every door that shows the study."""

import io
from dataclasses import replace

import pydicom
import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.audit.actions import Action
from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.dicom.person_name import display
from imaging.ingest import services as ingest
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.spool import SpoolFull
from imaging.reports.documents import canonical, identity, issuing, typeset
from imaging.reports.documents.content import PatientOf, ReportContent
from imaging.reports.documents.identity import DocumentKind
from imaging.storage import services as storage
from imaging.studies import services as studies
from imaging.studies.models import Instance, InstanceVersion, Study
from tests.factories import arrivals, report_contents
from tests.studies_in_archive import Archive

RADIOGRAPHER = Actor(kind="user", id="7", name="rita")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(archive: Archive) -> Study:
    """A study of emergency with one image."""
    made = arrivals.dataset(PatientName="Durand^Hélène", PatientID="P-1", AccessionNumber="A1")
    archive.receive(made)
    return archive.study(made.StudyInstanceUID)


def report_of(study: Study, **changed: object) -> ReportContent:
    """A signed report of this study, with a number and a key picture of its image."""
    image = Instance.objects.select_related("series").filter(study=study).earliest("pk")
    shown = replace(
        report_contents.SHADOW,
        study_instance_uid=study.study_instance_uid,
        series_instance_uid=image.series.series_instance_uid,
        sop_class_uid=image.sop_class_uid,
        sop_instance_uid=image.sop_instance_uid,
    )
    made = report_contents.measured(
        patient=PatientOf(patient_name=study.patient.patient_name, patient_id=study.patient.patient_id),
        studies=(replace(report_contents.content().study, study_instance_uid=study.study_instance_uid),),
    )
    pictures = (replace(made.pictures[0], image=shown),)
    measured = tuple(replace(each, image=shown) for each in made.measurements)
    return canonical.signed(replace(made, pictures=pictures, measurements=measured, **changed))  # type: ignore[arg-type]


def issue(content: ReportContent, study: Study) -> list[issuing.Issued]:
    """Both documents."""
    pdf = typeset.pdf(content)
    return [issuing.issue_structured(content, study=study), issuing.issue_pdf(content, pdf, study=study)]


def kept(instance: Instance) -> pydicom.FileDataset:
    """What the archive holds of it."""
    version = InstanceVersion.objects.select_related("stored_object").get(instance=instance)
    with storage.open(version.stored_object) as file:
        return pydicom.dcmread(io.BytesIO(file.read()))


def test_both_documents_join_the_study_and_are_signed_for_by_nobody_but_the_system(study: Study) -> None:
    issued = issue(report_of(study), study)
    assert [each.kind for each in issued] == [DocumentKind.STRUCTURED, DocumentKind.ENCAPSULATED]
    assert all(each.is_new for each in issued)
    study.refresh_from_db()
    assert study.instance_count == 3
    assert sorted(study.series.values_list("modality", flat=True)) == ["CT", "DOC", "SR"]
    events = AuditEvent.objects.filter(action=Action.FILE_WRAPPED)
    assert {(event.actor_kind, event.subject_uid) for event in events} == {("system", study.study_instance_uid)}
    for each in issued:
        made = kept(each.instance)
        assert made.PatientName == "Durand^Hélène"
        assert (made.PatientID, made.AccessionNumber) == ("P-1", "A1")
    assert not QuarantinedObject.objects.exists()


def test_issuing_again_adds_nothing(study: Study) -> None:
    content = report_of(study)
    first = issue(content, study)
    again = issue(content, study)
    assert [each.instance.pk for each in again] == [each.instance.pk for each in first]
    assert not any(each.is_new for each in again)
    assert InstanceVersion.objects.filter(instance__study=study).count() == 3


def test_the_next_version_stands_beside_the_first_in_the_same_series(study: Study) -> None:
    issue(report_of(study), study)
    issue(report_of(study, number=2), study)
    assert study.series.get(modality="SR").instances.count() == 2
    assert study.series.get(modality="DOC").instances.count() == 2


def test_documents_of_a_corrected_study_name_its_right_patient_from_the_first(study: Study, archive: Archive) -> None:
    attributes = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Martin^Jeanne"}]}}
    studies.correct(study, attributes, reason="Wrong worklist entry", actor=RADIOGRAPHER)
    study = archive.study(study.study_instance_uid)
    content = report_of(study)
    for each in issue(content, study):
        assert kept(each.instance).PatientName == "Martin^Jeanne"
    study.refresh_from_db()
    assert display(study.patient.patient_name) == "Martin, Jeanne"
    assert not QuarantinedObject.objects.exists()


def test_page_qido_and_documents_show_them(study: Study, archive: Archive, client: Client, alice: User) -> None:
    issued = issue(report_of(study), study)
    client.force_login(alice)
    uid = study.study_instance_uid
    page = client.get(f"/studies/{uid}/")
    assert page.status_code == 200
    found = client.get(f"/dicom-web/studies/{uid}/instances", headers={"Accept": "application/dicom+json"}).json()
    told = {item["00080018"]["Value"][0] for item in found}
    assert {each.instance.sop_instance_uid for each in issued} <= told
    for each in issued:
        series = each.instance.series.series_instance_uid
        address = f"/studies/{uid}/series/{series}/instances/{each.instance.sop_instance_uid}/document/"
        shown = client.get(address)
        assert shown.status_code == 200
    structured = issued[0].instance
    shown = client.get(
        f"/studies/{uid}/series/{structured.series.series_instance_uid}/instances/{structured.sop_instance_uid}/document/"
    )
    assert "fracture with 32° of angulation" in shown.content.decode()


def test_a_full_disk_is_told_and_a_later_try_succeeds(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    content = report_of(study)

    def full(*_args: object, **_more: object) -> None:
        raise SpoolFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "hold", full)
        with pytest.raises(issuing.NotIssued, match="disk_full"):
            issuing.issue_structured(content, study=study)
    assert issuing.issue_structured(content, study=study).is_new


def test_a_study_that_is_gone_gets_nothing(study: Study) -> None:
    content = report_of(study)
    study.study_instance_uid = "1.2.3.9.9.9"
    with pytest.raises(issuing.NotIssued, match="no_study"):
        issuing.issue_structured(content, study=study)


def test_an_object_that_somebody_put_under_the_report_s_uid_is_not_taken_for_it(study: Study, archive: Archive) -> None:
    content = report_of(study)
    uid = identity.instance_uid(content.report_key, content.number, DocumentKind.STRUCTURED)
    archive.receive(arrivals.dataset(SOPInstanceUID=uid))
    with pytest.raises(issuing.NotIssued, match="taken"):
        issuing.issue_structured(content, study=study)
