"""Everybody sees their own: strangers nothing, members what their department has, and what may not be done is 403."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Right
from tests.factories import arrivals
from tests.factories.accounts import PASSWORD, issue_machine_key
from tests.imaging.api.conftest import API, Program
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

SECRETS = (b"Moreau", b"P2", b"knee")


def addresses_of(made: Any) -> list[str]:
    study = f"/studies/{made.StudyInstanceUID}"
    series = f"{study}/series/{made.SeriesInstanceUID}"
    return [
        study,
        f"{study}/placements",
        f"{study}/series",
        series,
        f"{series}/instances",
        f"{series}/instances/{made.SOPInstanceUID}",
    ]


def test_nobody_is_told_to_sign_in_by_a_problem_document(client: Client, two_departments: dict[str, Any]) -> None:
    for address in ["/", "/me", "/departments", "/patients", "/studies", "/jobs", "/problems", "/uploads"]:
        answer = client.get(API + address)
        assert answer.status_code == 401, address
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["WWW-Authenticate"] == 'Bearer realm="negatoscope"'
        assert answer.json()["type"] == "/api/docs/problems#unrecognised"


def test_a_person_s_password_is_no_key(client: Client, alice: User) -> None:
    import base64

    basic = base64.b64encode(f"{alice.username}:{PASSWORD}".encode()).decode()
    answer = client.get(f"{API}/me", headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert "Basic" in answer["WWW-Authenticate"]


def test_a_study_of_others_is_as_good_as_absent(program: Program, two_departments: dict[str, Any]) -> None:
    absent = arrivals.dataset()
    for theirs, nowhere in zip(addresses_of(two_departments["knee"]), addresses_of(absent), strict=True):
        answers = [program.get(address) for address in (theirs, nowhere)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
        assert not any(secret in answers[0].content for secret in SECRETS)


def test_what_is_one_s_own_is_told(program: Program, two_departments: dict[str, Any]) -> None:
    chest = two_departments["chest"]
    for address in addresses_of(chest):
        assert program.get(address).status_code == 200, address
    study = program.get(f"/studies/{chest.StudyInstanceUID}").json()
    assert study["patient"]["patient_name"] == {
        "alphabetic": "Durand^Hélène",
        "ideographic": "",
        "phonetic": "",
        "display": "Durand, Hélène",
    }
    assert study["study_at"].endswith("Z")
    assert study["departments"] == ["emergency"]
    assert study["modalities_in_study"] == ["CT"]


def test_lists_hold_nothing_of_others(program: Program, two_departments: dict[str, Any]) -> None:
    for address in ["/studies", "/patients", "/jobs", "/problems"]:
        answer = program.get(address)
        assert answer.status_code == 200
        assert not any(secret in answer.content for secret in SECRETS), address
    assert program.get("/studies").json()["total"] == 1
    assert [row["patient_id"] for row in program.get("/patients").json()["results"]] == ["P1"]


def test_a_person_without_a_department_sees_nothing(
    client: Client, charlie: User, two_departments: dict[str, Any]
) -> None:
    client.force_login(charlie)
    assert client.get(f"{API}/studies").json()["results"] == []
    assert client.get(f"{API}/patients").json()["results"] == []
    assert client.get(f"{API}/me").json()["departments"] == []
    assert client.get(f"{API}/studies/{two_departments['chest'].StudyInstanceUID}").status_code == 404


def test_a_patient_of_others_is_as_good_as_absent(
    program: Program, archive: Archive, two_departments: dict[str, Any]
) -> None:
    theirs = archive.study(two_departments["knee"].StudyInstanceUID).patient
    own = archive.study(two_departments["chest"].StudyInstanceUID).patient
    assert program.get(f"/patients/{theirs.pk}").status_code == 404
    assert program.get(f"/patients/{theirs.pk}/studies").status_code == 404
    assert program.get(f"/patients/{'9' * 18}").status_code == 404
    assert program.get(f"/patients/{own.pk}").json()["patient_sex"] == "F"
    assert len(program.get(f"/patients/{own.pk}/studies").json()["results"]) == 1


def test_who_may_only_list_may_not_change(
    archive: Archive, emergency: Department, two_departments: dict[str, Any]
) -> None:
    issued = issue_machine_key(emergency, name="reader", rights={"api": [Right.LIST, Right.VIEW]})
    reader = Program(Client(), issued.plaintext)
    uid = two_departments["chest"].StudyInstanceUID
    for answer in (
        reader.post(f"/studies/{uid}/retry"),
        reader.post("/uploads", data=b"", content_type="application/dicom"),
    ):
        assert answer.status_code == 403
        assert answer.json()["type"] == "/api/docs/problems#right-missing"
    stranger = reader.post(f"/studies/{two_departments['knee'].StudyInstanceUID}/retry")
    assert stranger.status_code == 404


def test_a_person_proves_that_a_change_is_theirs(alice: User, two_departments: dict[str, Any]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    answer = strict.post(f"{API}/studies/{two_departments['chest'].StudyInstanceUID}/retry")
    assert answer.status_code == 403
    assert answer.json()["type"] == "/api/docs/problems#not-proven"


def test_me_says_what_may_be_done_where(program: Program, person: Client, emergency: Department) -> None:
    machine, alice = program.get("/me").json(), person.get(f"{API}/me").json()
    assert (machine["kind"], machine["name"], machine["capabilities"]) == ("machine", "emergency-gateway", [])
    assert machine["departments"][0]["rights"] == ["download", "list", "share", "view", "write"]
    assert (alice["kind"], alice["display_name"]) == ("user", "Alice Martin")
    assert "upload" in alice["capabilities"]
    french = person.get(f"{API}/departments", headers={"Accept-Language": "fr"}).json()
    assert [row["name"] for row in french["results"]] == ["Urgences"]
