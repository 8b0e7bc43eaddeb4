"""The API does what its description says, whatever is asked: schemathesis asks, on a real archive, with and without a key."""

import contextlib
import copy
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from hypothesis import HealthCheck, Phase, given, strategies
from hypothesis import settings as hypothesis
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.models import Department
from accounts.services import IssuedKey
from imaging.api import docs
from imaging.studies.models import Patient
from portal.wsgi import application
from tests.factories import arrivals
from tests.studies_in_archive import Archive

# Uploads of a zip are taken in by several threads, and those see what is committed only.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.conformance]

EXAMPLES = 6
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
#: What the archive of the test surely answers with.
ANSWERED = {
    *(
        f"GET /api/v1/{name}"
        for name in ("", "me", "departments", "patients", "studies", "problems", "jobs", "uploads")
    ),
    *(f"GET /api/v1/studies/{{study_instance_uid}}{rest}" for rest in ("", "/placements", "/series")),
    "GET /api/v1/patients/{id}",
    "POST /api/v1/uploads",
}


@schemathesis.serializer("application/dicom", "application/zip")
def as_it_is(_context: Any, value: Any) -> Any:
    """Octets are sent as octets."""
    return value if isinstance(value, bytes) else str(value).encode()


schemathesis.openapi.media_type(
    "application/dicom", strategies.builds(lambda: arrivals.encoded(arrivals.dataset())) | strategies.binary()
)
schemathesis.openapi.media_type("application/zip", strategies.binary())


@pytest.fixture
def places(archive: Archive, orthopaedics: Department) -> dict[str, Any]:
    """Path parameters of what is in the archive."""
    made = arrivals.dataset()
    archive.receive(made, arrivals.dataset(PatientID="P2", PatientName="Ngô^Lan", Modality="MR"))
    archive.receive(arrivals.dataset(PatientID="P3"), department=orthopaedics)
    return {
        "study_instance_uid": made.StudyInstanceUID,
        "series_instance_uid": made.SeriesInstanceUID,
        "sop_instance_uid": made.SOPInstanceUID,
        "id": Patient.objects.get(studies__study_instance_uid=made.StudyInstanceUID).pk,
    }


@pytest.fixture(autouse=True)
def _unhurried(data_dir: Path, settings: Any) -> None:
    cache.clear()
    settings.UPLOAD_DIR = data_dir / "uploads"
    settings.API_READS_PER_MINUTE = settings.API_WRITES_PER_MINUTE = 1_000_000


def on_this_machine(environ: dict[str, Any], start_response: Any) -> Any:
    """The application, asked over loopback: keys travel there or over TLS."""
    return application({**environ, "REMOTE_ADDR": "127.0.0.1"}, start_response)


def operations() -> Any:
    """Every operation of the description, asked of the application itself."""
    text = copy.deepcopy(docs.description())
    # Who asks is the test's to say: invented keys would end in the refusal of their address.
    for methods in text["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    # An address beyond all bounds is refused as such before anybody looks at what is wrong in it.
    refusals = [*range(400, 412), 413, 414, 415, 422, 428, 429, "5xx"]
    taste = {"checks": {"negative_data_rejection": {"expected-statuses": refusals}}}
    described = schemathesis.openapi.from_dict(text, config=schemathesis.Config.from_dict(taste))
    described.app = on_this_machine
    return [found.ok() for found in described.get_all_operations()]


def _path_names(operation: Any) -> list[str]:
    return [parameter.name for parameter in operation.path_parameters]


def ask(operation: Any, mode: GenerationMode, headers: dict[str, str], known: dict[str, Any]) -> set[int]:
    """Ask it some requests of a kind; each answer must be as described. The statuses that came."""
    seen: set[int] = set()
    named = {name: known[name] for name in _path_names(operation) if name in known}

    @given(case=operation.as_strategy(generation_mode=mode, **({"path_parameters": named} if named else {})))
    @hypothesis(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def asked(case: Any) -> None:
        # A cursor is a text, and yet not any text is one: what a schema cannot say may be refused.
        answer = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
        seen.add(answer.status_code)

    # Nothing that this operation takes can be made wrong.
    with contextlib.suppress(Unsatisfiable):
        asked()
    return seen


def _told(error: BaseException) -> str:
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return "; ".join([str(error), *map(str, inner)])


def ask_all(headers: dict[str, str], known: dict[str, Any]) -> dict[str, set[int]]:
    """Ask every operation; the statuses that each answered with."""
    wrong: list[str] = []
    seen: dict[str, set[int]] = {}
    for operation in operations():
        for mode in MODES:
            for named in [{}, known] if _path_names(operation) else [{}]:
                try:
                    seen.setdefault(operation.label, set()).update(ask(operation, mode, headers, named))
                except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001  # all that is wrong is told at once
                    wrong.append(f"{operation.label} {mode.value} {'known' if named else ''}: {_told(error)}")
    assert not wrong, "\n\n".join(wrong)
    return seen


def test_a_program_with_a_key_is_answered_as_described(machine: IssuedKey, places: dict[str, Any]) -> None:
    seen = ask_all({"Authorization": f"Bearer {machine.plaintext}"}, places)
    assert not {label: seen[label] for label in ANSWERED if 200 not in seen[label]}


def test_nobody_is_answered_as_described(places: dict[str, Any]) -> None:
    seen = ask_all({}, places)
    assert not {label: statuses for label, statuses in seen.items() if not statuses <= {400, 401, 404, 405, 406, 414}}
