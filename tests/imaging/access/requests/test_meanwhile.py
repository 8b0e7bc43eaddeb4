"""What others write while a request is decided: the order of locks, and what the patient has opposed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import User
from imaging.access.requests.models import AccessRequest
from imaging.access.requests.policies import Refused, Verdict
from imaging.studies.models import Grant
from imaging.studies.oppositions import record_choice
from tests.imaging.access.requests.conftest import Desk, Register

pytestmark = pytest.mark.django_db


def test_all_studies_of_a_request_are_locked_before_their_patient(
    registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    found = [registered(), registered()]
    request = desk.ask(bob)
    with CaptureQueriesContext(connection) as ran:
        desk.decide(marc, request)
    locking = [query["sql"] for query in ran if "FOR NO KEY UPDATE" in query["sql"]]
    person, studies_, patient = (
        next(number for number, sql in enumerate(locking) if f'FROM "{table}"' in sql)
        for table in ("accounts_user", "imaging_study", "imaging_patient")
    )
    assert person < studies_ < patient
    assert all(str(study.pk) in locking[studies_] for study in found)


def test_what_the_patient_has_opposed_meanwhile_is_not_opened(
    registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    study = registered()
    request = desk.ask(bob)
    record_choice(
        study.patient,
        use="departments",
        answer="opposed",
        said_by="patient",
        said_on=timezone.localdate(),
        evidence="letter",
        actor=SYSTEM,
    )
    with pytest.raises(Refused) as refused:
        desk.decide(marc, request)
    assert refused.value.code == "opposed"
    assert not Grant.objects.exists()
    desk.decide(marc, request, Verdict.DENY)
    assert request.state == AccessRequest.State.DENIED
