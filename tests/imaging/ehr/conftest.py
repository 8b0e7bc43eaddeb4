"""A hospital whose patient register sends HL7 v2."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts.actor import SYSTEM
from accounts.models import Department
from imaging.ehr import services
from imaging.ehr.models import Hl7Destination, Hl7Peer
from imaging.studies import services as studies
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.imaging.ehr.sent import adt

ISSUER = "HOSPITAL"
OID = "1.2.826.0.1.3680043.10.999"


@pytest.fixture
def register(emergency: Department) -> Hl7Peer:
    """The register of the site whose images name HOSPITAL as their issuer."""
    site = emergency.site
    site.issuer_of_patient_id, site.issuer_oid = ISSUER, OID
    site.save()
    return Hl7Peer.objects.create(
        name="Register", sending_application="HIS", sending_facility="DEMO HOSPITAL", site=site
    )


Send = Callable[..., str]


@pytest.fixture
def send(register: Hl7Peer) -> Send:
    """`send(event, pid=…, mrg=…)` has a message taken as from the network; the acknowledgement, segments in lines."""

    def sent(event: str, **fields: Any) -> str:
        (answer,) = services.receive(adt(event, **fields), "127.0.0.1")
        return answer.decode("latin-1").replace("\r", "\n")

    return sent


TellOfPatient = Callable[..., str]


@pytest.fixture
def tell(send: Send) -> TellOfPatient:
    """`tell(numbers, codes=…)` has the register tell of the patient P1."""

    def told(
        *numbers: str, codes: str = "", event: str = "A08", names: str = "Durand^Hélène^^^^^L", **fields: str
    ) -> str:
        place = fields.get("place", "")
        # PID-9 and 10 are empty; PID-11 holds the place of birth; PID-32 how sure the identity is.
        extra = "|||" + place + "|" * 21 + codes
        return send(event, pid="~".join(["P1^^^HOSPITAL^PI", *numbers]), name=names, extra=extra)

    return told


@pytest.fixture
def arrive(data_dir: Path, emergency: Department) -> Callable[..., Study]:
    """`arrive(PatientID="P1")` registers a small study, as it comes from a modality."""

    def arrived(**changes: Any) -> Study:
        made: Dataset = arrivals.dataset(**changes)
        batch = [arrivals.incoming(made, data_dir / "arrived", emergency)]
        (answer,) = studies.register(batch, actor=SYSTEM)
        assert answer.is_kept, answer.detail
        return Study.objects.get(study_instance_uid=made.StudyInstanceUID)

    return arrived


Tell = Callable[..., Hl7Destination]


@pytest.fixture
def destination(emergency: Department) -> Tell:
    """`destination(port, …)` is a system that is told of the exams of emergency."""
    emergency.site.issuer_oid = "1.2.826.0.1.3680043.10.999"
    emergency.site.save()

    def made(port: int = 2575, **values: Any) -> Hl7Destination:
        known = {
            "name": "EHR",
            "host": "localhost",
            "port": port,
            "networks": ["127.0.0.1", "::1"],
            "uses_tls": False,
            "site": emergency.site,
            "sending_facility": "DEMO HOSPITAL",
            "receiving_application": "HIS",
        }
        row = Hl7Destination.objects.create(**{**known, **values})
        row.departments.set([emergency])
        return row

    return made
