"""A study of a patient whom the stand-in record knows, and the record read for it."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from imaging.ehr.models import HealthRecord
from imaging.fhir.values import Resource
from imaging.studies.models import Study
from tests.imaging.ehr.launching.conftest import _one_record, patient, provider, record, there
from tests.stand_in_record.running import StandInRecord

__all__ = ["_one_record", "provider", "record", "there"]

RESOURCES: list[Resource] = [
    patient("p1", "P1", birthDate="1980-01-01"),
    patient("p2", "P2"),
    {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": {"reference": "Patient/p1"},
        "code": {"text": "Iodinated contrast <b>medium</b>"},
        "criticality": "high",
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "a2",
        "patient": {"reference": "Patient/p2"},
        "code": {"text": "Somebody else's allergy"},
    },
    {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "Metformin 850 mg"},
    },
    *(
        {
            "resourceType": "Observation",
            "id": f"o{month}",
            "status": "final",
            "subject": {"reference": "Patient/p1"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "14682-9"}]},
            "effectiveDateTime": f"2026-0{month}-10T08:00:00Z",
            "valueQuantity": {"value": 80.5 + 10 * month, "unit": "µmol/L"},
        }
        for month in (1, 2, 3)
    ),
    {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/p1"},
        "code": {"text": "Asthma"},
        "onsetDateTime": "2011-05-01",
    },
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "class": {"code": "IMP", "display": "inpatient"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-03-09T10:00:00Z"},
    },
]


@pytest.fixture
def told_by(there: StandInRecord, record: HealthRecord) -> StandInRecord:
    """The record, read by SMART Backend Services."""
    HealthRecord.objects.update(access=HealthRecord.Access.BACKEND, client_id="negatoscope-reader")
    there.knows(resources=RESOURCES)
    return there


@pytest.fixture
def study(arrive: Callable[..., Study]) -> Study:
    """A study of the patient."""
    return arrive(PatientID="P1", PatientBirthDate="19800101")


@pytest.fixture
def client(alice: User) -> Client:
    """Alice's browser: she treats the patients of her department."""
    client = Client()
    client.force_login(alice)
    return client
