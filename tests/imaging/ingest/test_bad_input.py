"""The worst input costs nothing: each object is kept or refused with a reason, and the next good one goes through."""

import io
from pathlib import Path

import pydicom.data
import pytest

from accounts.models import Department
from imaging.ingest import intake, services
from imaging.ingest.intake import Outcome
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.services import Refused
from imaging.ingest.source import Source
from imaging.ingest.spool import Spool
from imaging.studies.models import InstanceVersion
from tests.factories import arrivals
from tests.hostile.cases import Case, cases

PYDICOM_FILES = Path(pydicom.data.__file__).parent / "test_files"
pytestmark = pytest.mark.django_db


def _handed_over(content: bytes, department: Department) -> Refused | Outcome:
    source = Source(door="upload", sender="bob", actor_kind="user", actor_id="1", department_ids=(department.pk,))
    try:
        held = services.hold(io.BytesIO(content), source=source)
    except Refused as refusal:
        return refusal
    return intake.register([held])[0].outcome


def _nothing_lies_about(spool: Spool) -> bool:
    return not spool.entries() and not list(spool.incoming.iterdir())


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.key)
def test_an_odd_object_is_kept_or_refused_with_a_reason(case: Case, spool: Spool, emergency: Department) -> None:
    answer = _handed_over(case.make(), emergency)
    kept = InstanceVersion.objects.count() + QuarantinedObject.objects.count()
    if isinstance(answer, Refused):
        assert case.answer in {"refused", "either"}, str(answer)
        assert answer.code
        assert answer.detail
        assert kept == 0
    else:
        assert case.answer in {"kept", "either"}, answer
        assert answer is not Outcome.WAITING
        assert kept == 1
    assert _nothing_lies_about(spool)
    assert _handed_over(arrivals.encoded(arrivals.dataset()), emergency) is Outcome.NEW


def test_every_test_file_of_pydicom_gets_an_answer(spool: Spool, emergency: Department) -> None:
    answers = {}
    for path in sorted(PYDICOM_FILES.rglob("*")):
        if path.is_file():
            answers[path.name] = _handed_over(path.read_bytes(), emergency)
    assert len(answers) > 100
    assert Outcome.WAITING not in answers.values()
    assert answers["CT_small.dcm"] is Outcome.NEW
    assert isinstance(answers["DICOMDIR"], Refused)
    assert _nothing_lies_about(spool)
