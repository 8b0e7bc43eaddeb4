"""The FHIR facade answers whatever it is asked with resources: schemathesis asks by what the capability statement says."""

from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis
from schemathesis import GenerationMode

from accounts.models import Department
from imaging.ehr.fhir import capability
from imaging.orders.models import Procedure
from portal.wsgi import application
from tests.factories import arrivals
from tests.factories.accounts import issue_machine_key
from tests.factories.exam_requests import procedure
from tests.fhir_judges import complaints
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.conformance]

EXAMPLES = 60
ANSWERS = {
    str(status): {"description": "A resource"} for status in (200, 201, 400, 403, 404, 405, 406, 409, 412, 415, 422)
}
#: A little of what a ServiceRequest is: enough for requests that get past the first check, and for many that do not.
ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["resourceType", "status", "intent", "subject"],
    "properties": {
        "resourceType": {"const": "ServiceRequest"},
        "id": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"},
        "status": {"enum": ["active", "revoked", "draft"]},
        "intent": {"enum": ["order", "plan"]},
        "priority": {"type": "string"},
        "code": {
            "type": "object",
            "properties": {
                "coding": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"code": {"enum": ["CTTHORAX", "x"]}}},
                }
            },
        },
        "subject": {
            "type": "object",
            "properties": {"reference": {"type": "string"}, "identifier": {"type": "object"}},
        },
        "identifier": {"type": "array", "items": {"type": "object", "properties": {"value": {"type": "string"}}}},
        "reasonCode": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}},
        "occurrenceDateTime": {"type": "string"},
    },
}


def on_this_machine(environ: dict[str, Any], start_response: Any) -> Any:
    """The application, asked over loopback."""
    return application({**environ, "REMOTE_ADDR": "127.0.0.1"}, start_response)


def described() -> list[Any]:
    """Every interaction of the capability statement, as an operation of OpenAPI."""
    paths: dict[str, Any] = {}
    for resource in capability.statement("http://localhost/fhir")["rest"][0]["resource"]:
        name = resource["type"]
        does = {one["code"] for one in resource["interaction"]}
        key = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}
        paths[f"/fhir/{name}/{{key}}"] = {"get": {"parameters": [key], "responses": ANSWERS}}
        body = {"required": True, "content": {"application/fhir+json": {"schema": ORDER}}}
        if "update" in does:
            paths[f"/fhir/{name}/{{key}}"]["put"] = {"parameters": [key], "requestBody": body, "responses": ANSWERS}
        paths[f"/fhir/{name}"] = {}
        if "search-type" in does:
            names = [
                *(found["name"] for found in resource["searchParam"]),
                "_count",
                "_include",
                "_sort",
                "_summary",
                "_page",
            ]
            asked = [{"name": one, "in": "query", "schema": {"type": "string"}} for one in names]
            paths[f"/fhir/{name}"]["get"] = {"parameters": asked, "responses": ANSWERS}
        if "create" in does:
            paths[f"/fhir/{name}"]["post"] = {"requestBody": body, "responses": ANSWERS}
    text = {"openapi": "3.1.0", "info": {"title": "FHIR", "version": "4"}, "paths": paths}
    made = schemathesis.openapi.from_dict(text)
    made.app = on_this_machine
    return [found.ok() for found in made.get_all_operations()]


@pytest.fixture
def thorax(emergency: Department, archive: Archive, settings: Any) -> Procedure:
    """An archive in which there is something to find, and something to order."""
    cache.clear()
    settings.API_READS_PER_MINUTE = settings.API_WRITES_PER_MINUTE = 1_000_000
    archive.receive(arrivals.dataset(), arrivals.dataset(PatientID="P2", Modality="MR"))
    return procedure(code="CTTHORAX", department=emergency)


@pytest.mark.parametrize("number", range(len(described())))
def test_every_answer_is_a_valid_resource_of_a_told_status(
    number: int, emergency: Department, thorax: Procedure
) -> None:
    operation = described()[number]
    headers = {"Authorization": f"Bearer {issue_machine_key(emergency).plaintext}"}
    answered: list[Any] = []

    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    @hypothesis(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def asked(case: Any) -> None:
        answer = case.call(headers=headers)
        assert str(answer.status_code) in ANSWERS, (answer.status_code, case.as_curl_command())
        assert answer.headers["content-type"][0].startswith("application/fhir+json")
        answered.append(answer.json())

    asked()
    assert answered
    assert complaints(answered) == []
