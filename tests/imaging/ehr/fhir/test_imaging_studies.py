"""ImagingStudy: what one says, and by what it is found (FH-2, FH-3)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.labels import Label
from accounts.models import Department
from imaging.events.models import Change
from imaging.orders.models import StudyLink
from imaging.studies import protecting
from imaging.studies.models import Placement, Study
from tests.factories.exam_requests import exam_request, procedure
from tests.imaging.ehr.fhir.conftest import OID, Come, Program, Sign

pytestmark = pytest.mark.django_db

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def chest(come: Come) -> Study:
    """A study with all that a header tells."""
    return come(
        StudyInstanceUID="1.2.3.1",
        SeriesInstanceUID="1.2.3.1.1",
        SOPInstanceUID="1.2.3.1.1.1",
        PatientID="P1",
        AccessionNumber="ACC1",
        StudyDate="20260304",
        StudyTime="101500",
        Modality="CT",
        BodyPartExamined="CHEST",
        Laterality="L",
        StudyDescription="Thorax",
        SeriesDescription="Lung",
        SeriesNumber=3,
        InstanceNumber=7,
        ReferringPhysicianName="Blanc^Jean",
    )


@pytest.fixture
def knee(come: Come) -> Study:
    """Another one, of somebody else."""
    return come(
        StudyInstanceUID="1.2.3.2",
        SeriesInstanceUID="1.2.3.2.1",
        SOPInstanceUID="1.2.3.2.1.1",
        PatientID="P2",
        AccessionNumber="ACC2",
        StudyDate="20260502",
        StudyTime="080000",
        Modality="MR",
        BodyPartExamined="KNEE",
    )


def test_a_study_tells_who_when_what_and_where_its_images_are(
    program: Program, chest: Study, sign: Sign, emergency: Department
) -> None:
    asked = exam_request(asking=emergency, performing=emergency, patient=chest.patient, procedure=procedure(name="CT"))
    StudyLink.objects.create(study=chest, request=asked, basis="accession")
    sign(chest)
    told = program.ask("ImagingStudy/1.2.3.1")
    assert told["id"] == "1.2.3.1"
    assert told["identifier"][0] == {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3.1"}
    assert told["identifier"][1]["value"] == "ACC1"
    assert told["identifier"][1]["type"]["coding"][0]["code"] == "ACSN"
    assert told["status"] == "available"
    assert told["subject"] == {"reference": f"Patient/{chest.patient_id}"}
    assert told["started"].startswith("2026-03-04T10:15:00")
    assert told["basedOn"] == [{"reference": f"ServiceRequest/{asked.key}"}]
    assert told["referrer"] == {"display": "Blanc, Jean"}
    assert told["interpreter"] == [{"display": "Rita Roux"}]
    assert told["procedureCode"] == [{"text": "CT"}]
    assert (told["numberOfSeries"], told["numberOfInstances"]) == (1, 1)
    assert told["endpoint"] == [{"reference": "Endpoint/wado-rs"}, {"reference": "Endpoint/viewer"}]
    (series,) = told["series"]
    assert series["uid"] == "1.2.3.1.1"
    assert (series["number"], series["description"]) == (3, "Lung")
    assert series["modality"]["code"] == "CT"
    assert series["bodySite"] == {"display": "CHEST"}
    assert series["laterality"]["code"] == "7771000"
    assert series["instance"] == [
        {
            "uid": "1.2.3.1.1.1",
            "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{CT}"},
            "number": 7,
        }
    ]


def test_reading_is_on_record_and_so_is_searching(program: Program, chest: Study) -> None:
    program.ask("ImagingStudy/1.2.3.1")
    read = AuditEvent.objects.get(action="metadata.read")
    assert (read.subject_uid, read.patient_id, read.door) == ("1.2.3.1", "P1", "fhir")
    program.ask("ImagingStudy?modality=CT")
    asked = AuditEvent.objects.get(action="studies.queried")
    assert asked.detail["keys"] == {"modality": ["CT"]}


def test_a_search_gives_series_without_instances_and_says_that_it_is_a_part(program: Program, chest: Study) -> None:
    (told,) = program.found("ImagingStudy")
    assert told["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert "instance" not in told["series"][0]
    assert "tag" not in program.ask("ImagingStudy/1.2.3.1").get("meta", {})


@pytest.mark.parametrize(
    "query",
    [
        "_id=1.2.3.1",
        "identifier=urn:dicom:uid|urn:oid:1.2.3.1",
        "identifier=urn:oid:1.2.3.1",
        "identifier=ACC1",
        "identifier=ACC1,NONE",
        "identifier=|ACC1",
        "patient.identifier=P1",
        f"patient.identifier=urn:oid:{OID}|P1",
        f"subject:Patient.identifier=urn:oid:{OID}|P1",
        "modality=CT",
        "modality=http://dicom.nema.org/resources/ontology/DCM|CT,DX",
        "bodysite=chest",
        f"dicom-class=urn:oid:{CT}&modality=CT",
        "series=urn:oid:1.2.3.1.1",
        "instance=1.2.3.1.1.1",
        "started=2026-03-04",
        "started=2026-03",
        "started=ge2026-03-04&started=lt2026-04-01",
        "started=le2026-03-04T10:15:00",
        "started=lt2026-03-04T09:15:01Z",
        "status=available&modality=CT",
        "endpoint=Endpoint/wado-rs&modality=CT",
    ],
)
def test_a_study_is_found_by(query: str, program: Program, chest: Study, knee: Study) -> None:
    assert program.ids(f"ImagingStudy?{query}") == ["1.2.3.1"]


@pytest.mark.parametrize(
    "query",
    [
        "_id=1.2.3.9",
        "identifier=urn:example|ACC1",
        "patient.identifier=urn:oid:1.2.3|P1",
        "patient.identifier=|P1",
        "patient=Patient/999999",
        "modality=http://example.org|CT",
        "modality=CT&modality=MR",
        "bodysite=CHEST&bodysite=KNEE",
        "identifier=ACC1&identifier=ACC2",
        "started=gt2026-05-02",
        "status=cancelled",
        "endpoint=Endpoint/other",
        "basedon=ServiceRequest/00000000-0000-0000-0000-000000000007",
        "series=x'; DROP TABLE",
        "dicom-class=nonsense",
        "modality=%2A",
    ],
)
def test_nothing_is_found_by(query: str, program: Program, chest: Study, knee: Study) -> None:
    bundle = program.ask(f"ImagingStudy?{query}")
    assert bundle["total"] == 0
    assert "entry" not in bundle


def test_a_study_is_found_by_its_patient_and_by_the_request_that_it_answers(
    program: Program, chest: Study, knee: Study, emergency: Department
) -> None:
    asked = exam_request(asking=emergency, performing=emergency, patient=chest.patient)
    StudyLink.objects.create(study=chest, request=asked, basis="accession")
    for query in (
        f"patient=Patient/{chest.patient_id}",
        f"patient={chest.patient_id}",
        f"patient:Patient={chest.patient_id}",
        f"subject=Patient/{chest.patient_id}",
        f"basedon=ServiceRequest/{asked.key}",
    ):
        assert program.ids(f"ImagingStudy?{query}") == ["1.2.3.1"], query


def test_what_changed_is_found_by_when(program: Program, chest: Study, knee: Study) -> None:
    before = timezone.now() - timedelta(days=30)
    Study.objects.update(last_received_at=before)
    Placement.objects.update(last_received_at=before)
    Change.objects.all().delete()
    Change.objects.create(
        kind="study.changed", study_instance_uid="1.2.3.2", changed_at=timezone.now() - timedelta(hours=1)
    )
    yesterday = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for _time in range(2):
        assert program.ids(f"ImagingStudy?_lastUpdated=ge{yesterday}") == ["1.2.3.2"]
        assert program.ids(f"ImagingStudy?_lastUpdated=lt{yesterday}") == ["1.2.3.1"]
        # The feed goes back further than what is asked for.
        Change.objects.filter(study_instance_uid="1.2.3.2").delete()
        for uid, days in (("1.2.3.1", 2), ("1.2.3.2", 0)):
            at = timezone.now() - timedelta(days=days)
            Change.objects.create(kind="study.changed", study_instance_uid=uid, changed_at=at)
    Change.objects.all().delete()
    told = program.ask("ImagingStudy/1.2.3.1")
    assert told["meta"]["lastUpdated"] == before.isoformat()


def test_of_others_nothing_is_found_and_nothing_is_told(
    program: Program, stranger: Program, chest: Study, emergency: Department
) -> None:
    asked = exam_request(asking=emergency, performing=emergency, patient=chest.patient)
    StudyLink.objects.create(study=chest, request=asked, basis="accession")
    absent = stranger.ask("ImagingStudy/1.2.3.999", status=404)
    assert stranger.ask("ImagingStudy/1.2.3.1", status=404) == absent
    for query in (
        "",
        "?identifier=ACC1",
        f"?patient={chest.patient_id}",
        "?instance=1.2.3.1.1.1",
        f"?basedon={asked.key}",
    ):
        assert stranger.ask(f"ImagingStudy{query}")["total"] == 0, query


def test_a_protected_study_is_not_there(program: Program, chest: Study, knee: Study) -> None:
    protecting.protect(chest, Label.PROTECTED, reason="a patient's wish", actor=SYSTEM)
    assert program.ids("ImagingStudy") == ["1.2.3.2"]
    program.ask("ImagingStudy/1.2.3.1", status=404)


def test_endpoints_say_where_to_fetch_and_where_to_look(program: Program, chest: Study) -> None:
    bundle = program.ask("ImagingStudy?_include=ImagingStudy:endpoint&_include=ImagingStudy:patient")
    included = {
        entry["resource"]["id"]: entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "include"
    }
    assert included["wado-rs"]["connectionType"]["code"] == "dicom-wado-rs"
    assert included["wado-rs"]["address"] == "http://testserver/dicom-web"
    assert included["viewer"]["connectionType"]["code"] == "ihe-iid"
    assert included["viewer"]["address"] == "http://testserver/IHEInvokeImageDisplay"
    assert included[str(chest.patient_id)]["resourceType"] == "Patient"
    wado = program.client.get(
        f"{included['wado-rs']['address']}/studies/1.2.3.1/metadata", headers={"Authorization": f"Bearer {program.key}"}
    )
    assert wado.status_code == 200


def test_control_characters_and_blank_texts_of_a_header_make_no_invalid_resource(program: Program, come: Come) -> None:
    come(
        PatientID="P\u20287",
        PatientName="^^^^",
        StudyDescription="\u200b a\u0085b  ",
        BodyPartExamined="",
        Modality="",
        ReferringPhysicianName="",
        SeriesNumber=-5,
        InstanceNumber=-1,
    )
    (found,) = program.found("ImagingStudy?_include=ImagingStudy:subject")
    program.ask(f"ImagingStudy/{found['id']}")
