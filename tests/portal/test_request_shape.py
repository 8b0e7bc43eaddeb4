"""What two programs could read in two ways, or nobody sends, is refused in words before anything reads it."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/studies//1.2.3/",
            "/../etc/passwd",
            "/studies/../admin/",
            "/./",
            "/%2e%2e/admin/",
            "/studies/..%2fadmin/",
        ),
        *("/studies\\1.2.3/", "/%00", "/studies/%0d%0aX:y", "/static/..%2f..%2fsecrets/secret_key", "/\x7f"),
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_refused(path: str, client: Client) -> None:
    answer = client.generic("GET", path)
    assert answer.status_code == 400
    assert "address" in answer.content.decode()


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG"])
def test_methods_of_nobody_are_refused(method: str, client: Client) -> None:
    answer = client.generic(method, "/account/login/")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_what_is_too_long_is_refused(client: Client) -> None:
    assert client.get("/" + "a" * 9000).status_code == 414
    assert client.get("/?q=" + "a" * 17_000).status_code == 414
    assert client.get("/dicom-web/studies?" + "&".join(["PatientID=1"] * 600)).status_code == 414
    answer = client.get("/api/v1/studies?q=" + "a" * 17_000)
    assert answer.status_code == 414
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_another_host_is_refused(client: Client) -> None:
    for host in (
        "evil.example",
        "testserver.evil.example",
        "testserver@evil.example",
        "testserver:80@evil.example",
        "",
    ):
        assert client.get("/account/login/", HTTP_HOST=host or "x y").status_code == 400
    answer = client.get("/account/login/", HTTP_X_FORWARDED_HOST="evil.example")
    assert b"evil.example" not in answer.content


def test_a_body_that_nests_without_end_is_refused_at_every_door(client: Client, alice: object) -> None:
    client.force_login(alice)  # type: ignore[arg-type]
    client.raise_request_exception = False
    deep = "[" * 200_000
    for address in ("/api/v1/webhooks", "/api/v1/uploads", "/viewer/1.2.3/markings.json"):
        assert 400 <= client.post(address, deep, content_type="application/json").status_code < 500, address
    assert 400 <= client.post("/dicom-web/studies", deep, content_type="application/dicom+json").status_code < 500
