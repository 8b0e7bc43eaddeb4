"""The description is whole, valid and without a warning; it holds no data, and only the recognised read it."""

import io
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from imaging.api import docs
from imaging.api.urls import RESOURCES
from tests.imaging.api.conftest import Program

pytestmark = pytest.mark.django_db


def test_the_description_is_valid_and_without_a_warning() -> None:
    written = io.StringIO()
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=written)
    assert yaml.safe_load(written.getvalue())["openapi"].startswith("3.1")


def test_every_resource_is_described_with_what_may_go_wrong() -> None:
    described = docs.description()["paths"]
    assert len(described) == len(RESOURCES)
    operations = [operation for methods in described.values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation["summary"]
        assert {"401", "429"} <= set(operation["responses"]), operation["operationId"]
        assert operation["security"] == [{"machineKey": []}, {"machineNameAndKey": []}, {"session": []}]


def test_programs_and_people_read_it_and_strangers_do_not(program: Program, person: Client) -> None:
    answer = program.get("http://testserver/api/schema/")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/vnd.oai.openapi+json"
    assert answer.json()["openapi"].startswith("3.1")
    again = program.get("http://testserver/api/schema/", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    assert yaml.safe_load(person.get("/api/schema/?form=yaml").content)["info"]["title"] == "Negatoscope"
    assert Client().get("/api/schema/").status_code == 401
    assert Client().get("/api/docs/").status_code == 302


def test_the_reference_is_a_page_of_the_portal(person: Client) -> None:
    page: Any = person.get("/api/docs/").content.decode()
    assert "swagger-ui-bundle.js" in page
    assert 'data-description="/api/schema/?form=json"' in page
    assert "<style" not in page
    assert "<script>" not in page
