"""The links of the description lead where they say: each is followed from a real answer, by the expressions that it names."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.outbound.models import OutboundHost
from imaging.api import docs
from imaging.api.links import LINKS
from imaging.events.models import Job
from tests.factories import arrivals
from tests.imaging.api.conftest import Program
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, address and description of each operation by its name."""
    return {
        operation["operationId"]: (method, address, operation)
        for address, methods in docs.description()["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture
def known(archive: Archive) -> dict[str, Any]:
    """Path parameters of the first operations: a study with a step that failed, and somebody who may be called."""
    made = arrivals.dataset()
    archive.receive(made)
    now = timezone.now()
    Job.objects.create(
        step="previews",
        subject_uid=made.StudyInstanceUID,
        study_instance_uid=made.StudyInstanceUID,
        queue=Job.Queue.SHORT,
        state=Job.State.FAILED,
        due_at=now,
        finished_at=now,
    )
    OutboundHost.objects.create(host="receiver.example", purpose="test")
    return {"study_instance_uid": made.StudyInstanceUID, "series_instance_uid": made.SeriesInstanceUID}


def sent(program: Program, operation: tuple[str, str, dict[str, Any]], parameters: dict[str, Any]) -> Any:
    method, address, described = operation
    path = address.removeprefix("/api/v1").format(**parameters)
    if method == "get":
        return program.get(path)
    bodies: dict[str, tuple[Any, str]] = {
        "uploads_create": (arrivals.encoded(arrivals.dataset()), "application/dicom"),
        "webhooks_create": ({"address": "https://receiver.example/hook"}, "application/json"),
    }
    body, kind = bodies[described["operationId"]]
    return program.post(path, data=body, content_type=kind)


def value(expression: str, body: Any, parameters: dict[str, Any]) -> Any:
    """What a runtime expression of OpenAPI names."""
    source, _hash, pointer = expression.partition("#/")
    if source != "$response.body":
        return parameters[source.removeprefix("$request.path.")]
    for word in pointer.split("/"):
        body = body[int(word) if isinstance(body, list) else word]
    return body


@pytest.mark.parametrize(("name", "status"), LINKS)
def test_a_link_leads_where_it_says(
    operations: dict[str, tuple[str, str, dict[str, Any]]],
    program: Program,
    known: dict[str, Any],
    name: str,
    status: str,
) -> None:
    described = operations[name][2]["responses"][status]["links"]
    assert described.keys() == LINKS[name, status].keys()
    parameters = dict(known)
    if name == "patient_studies_list":
        parameters["id"] = program.get("/patients").json()["results"][0]["id"]
    answer = sent(program, operations[name], parameters)
    assert answer.status_code == int(status), answer.content
    for link in described.values():
        target = operations[link["operationId"]]
        asked = {key: value(text, answer.json(), parameters) for key, text in link["parameters"].items()}
        assert sent(program, target, asked).status_code == 200, link
