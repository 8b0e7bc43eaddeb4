"""Corrections in the archive: lists follow, every way out says the same, and taking them back leaves nothing behind."""

import io
from pathlib import Path
from typing import Any

import orjson
import pydicom
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.models import Department
from imaging.dicom import json_model, part10
from imaging.dicom.correctable import CorrectionInvalid
from imaging.events.models import Event
from imaging.studies import services
from imaging.studies.correction import withdrawal
from imaging.studies.models import Correction, Instance, InstanceVersion, Patient, Placement, Series, Study
from imaging.studies.reading import metadata, output
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

SYSTEM = Actor(kind="system", id="test", name="test")
RADIOGRAPHER = Actor(kind="user", id="7", name="rita")


def dicom(**values: Any) -> dict[str, Any]:
    """A DICOM JSON object by keyword; empty without a value."""
    found = {}
    for name, value in values.items():
        vr = pydicom.datadict.dictionary_VR(name)
        tag = f"{pydicom.datadict.tag_for_keyword(name):08X}"
        found[tag] = {"vr": vr, "Value": [value]} if value else {"vr": vr}
    return found


@pytest.fixture
def receive(data_dir: Path, emergency: Department) -> Any:
    """Registers data sets, and gives the study of the last."""
    metadata.remembered.clear()

    def registered(*sources: Any, into_known: bool = False, **changes: Any) -> Study:
        places = () if into_known else (emergency,)
        batch = [arrivals.incoming(source, data_dir / "spool", *places, **changes) for source in sources]
        answers = services.register(batch, actor=SYSTEM)
        assert all(answer.is_kept for answer in answers), answers
        return study_of(sources[-1])

    return registered


def study_of(source: Any) -> Study:
    return Study.objects.select_related("patient").get(study_instance_uid=source.StudyInstanceUID)


def sent(version: InstanceVersion) -> bytes:
    """The object as it goes out."""
    fresh = InstanceVersion.objects.select_related("stored_object", "instance__series__study").get(pk=version.pk)
    file = output.file_of(fresh)
    content = b"".join(file.read())
    assert len(content) == file.length
    return content


def header(version: InstanceVersion) -> dict[str, Any]:
    """The header as it goes out."""
    fresh = InstanceVersion.objects.select_related("instance__series__study").get(pk=version.pk)
    return metadata.instance_record(fresh)


def rows(study: Study) -> dict[str, Any]:
    """Everything that lists and pages read of a study, but for what only ever grows and primary keys."""
    study = Study.objects.get(pk=study.pk)

    def plain(row: Any, *without: str) -> dict[str, Any]:
        fields = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        return {name: value for name, value in fields.items() if name not in {"version", *without}}

    return {
        "study": plain(study, "patient_id"),
        "patient": plain(study.patient, "id", "created_at"),
        "series": [plain(row) for row in study.series.order_by("pk")],
        "instances": [plain(row) for row in study.instances.order_by("pk")],
        "placements": [plain(row) for row in study.placements.order_by("pk")],
        "versions": [plain(row) for row in InstanceVersion.objects.filter(instance__study=study).order_by("pk")],
    }


def versions(study: Study) -> list[InstanceVersion]:
    return list(InstanceVersion.objects.filter(instance__study=study).order_by("pk"))


WHO = {"PatientID": "L-100", "PatientName": "Durand^Anne", "PatientBirthDate": "19700103", "PatientSex": "F"}


class TestCorrecting:
    def test_lists_headers_and_objects_say_the_same_afterwards(self, receive: Any) -> None:
        study = receive(arrivals.dataset(), arrivals.dataset())
        services.correct(study, dicom(**WHO, AccessionNumber="A-2"), reason="Wrong worklist entry", actor=RADIOGRAPHER)
        study.refresh_from_db()
        assert (study.patient.patient_id, study.patient.patient_name) == ("L-100", "Durand^Anne")
        assert study.patient.birth_date.isoformat() == "1970-01-03"
        placed = Placement.objects.get(study=study)
        assert (placed.patient_id, placed.name_norm, placed.accession_number) == ("L-100", "durand anne", "A-2")
        for version in versions(study):
            read = pydicom.dcmread(io.BytesIO(sent(version)))
            assert (read.PatientID, read.AccessionNumber) == ("L-100", "A-2")
            parsed = part10.read_part10(io.BytesIO(sent(version)))
            assert header(version) == orjson.loads(json_model.to_json(parsed, bulk_uri=metadata.bulk_uri))
            (item,) = read.OriginalAttributesSequence
            assert item.ModifiedAttributesSequence[0].PatientID == "P1"
            assert item.SourceOfPreviousValues == "CT1"
            assert item.ReasonForTheAttributeModification == "CORRECT"

    def test_taking_it_back_leaves_nothing_behind(self, receive: Any) -> None:
        source = arrivals.dataset()
        study = receive(source)
        before, bytes_before, header_before = rows(study), sent(versions(study)[0]), header(versions(study)[0])
        values = {**WHO, "AccessionNumber": "A-2", "StudyDate": "20250101", "StudyDescription": "", "Modality": "MR"}
        made = services.correct(study, dicom(**values, SeriesNumber=9, InstanceNumber=5), reason="", actor=RADIOGRAPHER)
        assert rows(study) != before
        again = rows(study)
        assert again["study"]["modalities"] == ["MR"]
        assert again["study"]["study_at"].date().isoformat() == "2025-01-01"
        assert again["instances"][0]["instance_number"] == 5
        services.revert(made[0], actor=RADIOGRAPHER)
        assert rows(study) == before
        assert (sent(versions(study)[0]), header(versions(study)[0])) == (bytes_before, header_before)
        assert not Patient.objects.filter(patient_id="L-100").exists()
        assert Correction.objects.get().reverted_by == "rita"

    def test_what_was_withdrawn_does_not_say_whose_the_study_is(self, receive: Any) -> None:
        first = arrivals.dataset(PatientBirthDate="19000101")
        study = receive(first)
        made = services.correct(study, dicom(PatientID="P2", PatientBirthDate=""), reason="", actor=RADIOGRAPHER)
        second = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, PatientID="P2", PatientBirthDate=None)
        receive(second, into_known=True)
        withdrawal.withdraw([versions(study)[0].pk], actor=RADIOGRAPHER, reason="another patient")
        services.revert(made[0], actor=RADIOGRAPHER)
        patient = study_row(study).patient
        assert (patient.patient_id, patient.birth_date) == ("P2", None)
        assert Placement.objects.get(study=study).patient_id == "P2"
        assert [row.modality for row in study.series.order_by("pk")] == ["CT", "CT"]

    def test_two_decisions_can_be_taken_back_in_any_order(self, receive: Any) -> None:
        study = receive(arrivals.dataset())
        before = rows(study)
        first = services.correct(study, dicom(PatientID="X1"), reason="", actor=RADIOGRAPHER)
        second = services.correct(study, dicom(PatientID="X2", StudyID="S9"), reason="", actor=RADIOGRAPHER)
        assert header(versions(study)[0])["00100020"]["Value"] == ["X2"]
        services.revert(first[0], actor=RADIOGRAPHER)
        assert study_row(study).patient.patient_id == "X2"
        services.revert(second[0], actor=RADIOGRAPHER)
        assert rows(study) == before
        services.revert(second[0], actor=RADIOGRAPHER)
        assert rows(study) == before

    def test_a_part_of_a_study_never_changes_its_patient(self, receive: Any) -> None:
        first = arrivals.dataset()
        second = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID)
        study = receive(first, second)
        services.correct(versions(study)[:1], dicom(PatientID="X1"), reason="", actor=RADIOGRAPHER)
        assert [header(version)["00100020"]["Value"] for version in versions(study)] == [["X1"], ["X1"]]

    def test_a_detail_of_one_image_stays_with_it(self, receive: Any) -> None:
        first = arrivals.dataset()
        same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
        study = receive(first, arrivals.dataset(**same, InstanceNumber=2))
        services.correct(versions(study)[1:], dicom(InstanceNumber=7), reason="", actor=RADIOGRAPHER)
        assert sorted(Instance.objects.values_list("instance_number", flat=True)) == [1, 7]
        with pytest.raises(CorrectionInvalid) as refused:
            services.correct(versions(study)[1:], dicom(InstanceNumber=8, PatientID="X"), reason="", actor=RADIOGRAPHER)
        assert refused.value.code == "mixed_levels"

    def test_a_series_is_corrected_as_a_whole(self, receive: Any) -> None:
        first = arrivals.dataset()
        second = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID)
        receive(first, second)
        series = Series.objects.get(series_instance_uid=first.SeriesInstanceUID)
        services.correct(series, dicom(SeriesDescription="Coronal"), reason="", actor=RADIOGRAPHER)
        found = dict(Series.objects.values_list("series_instance_uid", "description"))
        assert found == {first.SeriesInstanceUID: "Coronal", second.SeriesInstanceUID: "Axial"}

    def test_what_already_says_so_is_left_alone(self, receive: Any) -> None:
        study = receive(arrivals.dataset())
        assert services.correct(study, dicom(PatientID="P1"), reason="", actor=RADIOGRAPHER) == []
        services.correct(study, dicom(PatientID="P2"), reason="", actor=RADIOGRAPHER)
        known = study_row(study).version
        assert services.correct(study, dicom(PatientID="P2"), reason="", actor=RADIOGRAPHER) == []
        assert study_row(study).version == known

    def test_identifiers_are_given_on_the_way_in_only(self, receive: Any) -> None:
        study = receive(arrivals.dataset())
        with pytest.raises(CorrectionInvalid, match="cannot be changed"):
            services.correct(study, dicom(StudyInstanceUID="1.2.3"), reason="", actor=RADIOGRAPHER)

    def test_one_study_does_not_rename_the_person_of_others(self, receive: Any) -> None:
        study, other = receive(arrivals.dataset()), receive(arrivals.dataset())
        assert study.patient_id == other.patient_id
        services.correct(study, dicom(PatientName="Durant^Helene"), reason="", actor=RADIOGRAPHER)
        assert study_row(other).patient.patient_name == "Durand^Hélène"
        services.correct(study.patient, dicom(PatientName="Durant^Helene"), reason="", actor=RADIOGRAPHER)
        assert study_row(other).patient.patient_name == "Durant^Helene"

    def test_a_study_that_joins_a_known_patient_leaves_that_patient_as_known(self, receive: Any) -> None:
        known = receive(arrivals.dataset(PatientID="L-100", PatientName="Durand^Anne^Marie"))
        study = receive(arrivals.dataset(PatientID="foreign", PatientName="DURAND ANNE"))
        made = services.correct(study, dicom(PatientID="L-100"), reason="", actor=RADIOGRAPHER)
        assert study_row(study).patient_id == known.patient_id
        assert study_row(study).patient.patient_name == "Durand^Anne^Marie"
        assert not Patient.objects.filter(patient_id="foreign").exists()
        services.revert(made[0], actor=RADIOGRAPHER)
        assert study_row(study).patient.patient_id == "foreign"

    def test_a_study_without_patient_id_gets_one_and_loses_it_again(self, receive: Any) -> None:
        study = receive(arrivals.dataset(PatientID=None))
        before = rows(study)
        made = services.correct(study, dicom(PatientID="L-1"), reason="", actor=RADIOGRAPHER)
        assert study_row(study).patient.patient_id == "L-1"
        services.revert(made[0], actor=RADIOGRAPHER)
        assert rows(study) == before
        assert Patient.objects.count() == 1

    def test_versions_tags_audit_and_event_follow(self, receive: Any) -> None:
        study = receive(arrivals.dataset())
        Event.objects.all().delete()
        known = Study.objects.get(pk=study.pk).version, Series.objects.get().version
        etag = output.file_of(InstanceVersion.objects.select_related("stored_object").get()).etag
        made = services.correct(study, dicom(PatientID="X1"), reason="Wrong card", actor=RADIOGRAPHER)
        assert (Study.objects.get(pk=study.pk).version, Series.objects.get().version) == (known[0] + 1, known[1] + 1)
        corrected = output.file_of(InstanceVersion.objects.select_related("stored_object").get()).etag
        assert corrected != etag
        assert set(Event.objects.values_list("kind", flat=True)) == {"study.changed", "study.settled"}
        found = AuditEvent.objects.filter(action__endswith=".corrected").values_list("action", "patient_id")
        assert set(found) == {("study.corrected", "P1"), ("patient.corrected", "X1")}
        services.revert(made[0], actor=RADIOGRAPHER)
        assert output.file_of(InstanceVersion.objects.select_related("stored_object").get()).etag == etag

    def test_the_same_object_again_is_still_a_duplicate(self, receive: Any) -> None:
        source = arrivals.dataset()
        study = receive(source)
        services.correct(study, dicom(**WHO), reason="", actor=RADIOGRAPHER)
        receive(source, into_known=True)
        assert InstanceVersion.objects.count() == 1

    def test_what_is_not_corrected_costs_no_query(self, receive: Any) -> None:
        study = receive(arrivals.dataset())
        version = InstanceVersion.objects.select_related("stored_object").get(instance__study=study)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            file = output.file_of(version)
            assert file.length == version.stored_object.length
        assert len(queries) == 0


class TestOnTheWayIn:
    def test_corrections_of_an_import_are_written_down_and_go_out(self, receive: Any) -> None:
        source = arrivals.dataset()
        corrected = dicom(**WHO, IssuerOfPatientID="HOSPITAL")
        study = receive(source, **on_the_way(source, corrected))
        assert study.patient.patient_id == "L-100"
        assert header(versions(study)[0])["00100020"]["Value"] == ["L-100"]
        assert pydicom.dcmread(io.BytesIO(sent(versions(study)[0]))).PatientID == "L-100"
        made = Correction.objects.get()
        assert (made.origin, made.made_by, made.received["00100020"]["Value"]) == ("import", "test", ["P1"])
        services.revert(made, actor=RADIOGRAPHER)
        assert study_row(study).patient.patient_id == "P1"

    def test_one_decision_is_one_group_however_many_batches(self, receive: Any) -> None:
        first = arrivals.dataset()
        second = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID)
        corrected = dicom(**WHO)
        receive(first, **on_the_way(first, corrected))
        receive(second, into_known=True, **on_the_way(second, corrected))
        made = Correction.objects.all()
        assert len({row.group for row in made}) == 1
        services.revert(made[0], actor=RADIOGRAPHER)
        assert not Correction.objects.in_force().exists()


def on_the_way(source: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """What ingest hands over with a corrected object: its header is read with the corrections."""
    from imaging.dicom import corrections
    from imaging.dicom.header import read_header

    read = read_header(corrections.put_over(source, attributes), has_pixels=True)
    return {"header": read, "corrections": attributes, "correction_origin": "import", "correction_reason": "Disc"}


def study_row(study: Study) -> Study:
    return Study.objects.select_related("patient").get(pk=study.pk)


class TestChoosing:
    def test_the_chosen_version_is_what_is_shown_and_can_be_changed_back(self, receive: Any) -> None:
        source = arrivals.dataset()
        study = receive(source)
        source.Rows, source.PixelData = 4, source.PixelData[:64]
        receive(source, into_known=True)
        old, new = versions(study)
        assert (old.state, new.state) == ("current", "conflicting")
        services.choose_version(old.instance, new, actor=RADIOGRAPHER, reason="Complete")
        assert [version.state for version in versions(study)] == ["conflicting", "current"]
        assert Instance.objects.get().rows == 4
        assert AuditEvent.objects.filter(action="version.chosen").count() == 1
        services.choose_version(old.instance, new, actor=RADIOGRAPHER, reason="Complete")
        assert AuditEvent.objects.filter(action="version.chosen").count() == 1
        services.choose_version(old.instance, old, actor=RADIOGRAPHER, reason="Not complete")
        assert [version.state for version in versions(study)] == ["current", "conflicting"]
        assert Instance.objects.get().rows == 8

    def test_only_a_version_of_the_instance_can_be_chosen(self, receive: Any) -> None:
        one, other = receive(arrivals.dataset()), receive(arrivals.dataset())
        with pytest.raises(services.NotAChoice):
            services.choose_version(versions(one)[0].instance, versions(other)[0], actor=RADIOGRAPHER, reason="no")
