"""Whatever cannot be done is told by a problem document, in the language that was asked for, without a word of data."""

from typing import Any

import pytest
from django.test import Client

from accounts.services import IssuedKey
from imaging.api.errors import Problem
from tests.imaging.api.conftest import API, Program

pytestmark = pytest.mark.django_db

TYPE = "/api/docs/problems#"


def told(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    assert found["title"]
    assert found["detail"]
    return answer.status_code, found["type"].removeprefix(TYPE)


def test_an_unknown_address_below_the_api_is_no_page(program: Program, client: Client) -> None:
    assert told(client.get("/api/nothing")) == (404, "not-found")
    assert told(client.get("/api/v1/nothing", headers={"Accept": "text/html"})) == (404, "not-found")
    assert told(program.get("/studies/not-a-uid")) == (404, "not-found")
    assert client.get("/nothing")["Content-Type"].startswith("text/html")
    replaced = client.get("/api/v1/nothing")
    assert int(replaced["Content-Length"]) == len(replaced.content)


def test_methods_forms_and_types_that_are_not_offered(program: Program) -> None:
    answer = program.post("/studies")
    assert told(answer) == (405, "method-not-allowed")
    assert answer["Allow"] == "GET, HEAD"
    assert told(program.get("/studies", headers={"Accept": "text/html"})) == (406, "not-acceptable")
    wrong = program.post("/uploads", data=b"x", content_type="text/plain")
    assert told(wrong) == (415, "unsupported-media-type")


def test_a_wrong_key_is_told_by_the_middleware_in_the_same_way(client: Client) -> None:
    answer = client.get(f"{API}/studies", headers={"Authorization": "Bearer ngk_wrong", "Accept-Language": "fr"})
    assert told(answer) == (401, "unrecognised")
    assert answer["Content-Language"] == "fr"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    for _attempt in range(60):
        answer = client.get(f"{API}/studies", headers={"Authorization": "Bearer ngk_wrong"})
    assert told(answer) == (429, "too-many-requests")
    assert answer["Retry-After"] == "60"


def test_parameters_that_are_not_known_are_named_with_those_that_are(program: Program) -> None:
    answer = program.get("/studies?serach=durand")
    assert told(answer) == (400, "unknown-parameter")
    assert answer.json()["errors"][0]["name"] == "serach"
    assert {"search", "modality", "from", "cursor"} <= set(answer.json()["known_parameters"])
    assert told(program.get("/me?x=1")) == (400, "unknown-parameter")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("from=yesterdayish", "from"),
        ("from=2026-03-02&to=2026-03-01", "to"),
        ("from=99999999d", "from"),
        ("status=lost", "status.0"),
        ("modality=ct;drop", "modality.0"),
        ("department=nowhere", "department"),
        ("order=name", "order"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=1e9", "limit"),
        ("search=" + "x" * 5_000, "search"),
        ("PatientBirthDate=then", "PatientBirthDate"),
        ("PixelData=1", "PixelData"),
        ("NoSuchKeyword=1", "NoSuchKeyword"),
        ("PatientName=" + "*a" * 40, "PatientName"),
    ],
)
def test_values_that_cannot_be_meant_are_named(program: Program, query: str, name: str) -> None:
    answer = program.get(f"/studies?{query}")
    assert told(answer) == (400, "invalid-request")
    assert [error["name"] for error in answer.json()["errors"]] == [name]


@pytest.mark.parametrize("address", ["/studies", "/patients", "/jobs", "/problems"])
@pytest.mark.parametrize("cursor", ["x", "é", "bnVsbA", "WyJ4Il0", "W10", "[]", "A" * 1999])
def test_forged_cursors_are_refused(program: Program, address: str, cursor: str) -> None:
    assert told(program.get(f"{address}?cursor={cursor}")) == (400, "cursor-refused")


def test_a_cursor_is_good_for_its_own_order_only(program: Program, two_departments: dict[str, Any]) -> None:
    forged = "WyItc3R1ZHlfYXQiLCIyMDI2LTAxLTAxIiwxLGZhbHNlXQ"  # ["-study_at", "2026-01-01", 1, false]: no time zone
    assert told(program.get(f"/studies?cursor={forged}")) == (400, "cursor-refused")


def test_every_kind_of_problem_is_explained_in_both_languages(person: Client) -> None:
    english = person.get("/api/docs/problems").content.decode()
    assert all(f'id="{problem.slug}"' in english for problem in Problem)
    assert len({problem.slug for problem in Problem}) == len(Problem)


def test_a_fault_of_ours_is_told_without_its_cause(
    program: Program, machine: IssuedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_names: object) -> None:
        raise RuntimeError("Durand")

    monkeypatch.setattr("accounts.selectors.departments_named", broken)
    client = Client(raise_request_exception=False)
    answer = client.get(f"{API}/me", headers={"Authorization": f"Bearer {machine.plaintext}"})
    assert told(answer) == (500, "fault")
    assert b"Durand" not in answer.content
