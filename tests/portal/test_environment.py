"""The variables of a deployment: defaults, refusals, and what production cannot do without."""

import re
from pathlib import Path

import pytest

from portal.environment import Misconfigured, read, reserve_bytes
from portal.variables import read_env_file
from tests.portal.processes import ROOT


def sentences(variables: dict[str, str]) -> list[str]:
    with pytest.raises(Misconfigured) as refusal:
        read(variables)
    return refusal.value.sentences


def test_production_is_the_default_mode(production: dict[str, str]) -> None:
    assert read(production).mode == "production"


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY_FILE",
        "PUBLIC_URL",
        "LISTEN_ADDRESS",
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "BROKER_URL",
        "EMAIL_URL",
    ],
)
def test_a_variable_that_production_lacks_is_one_sentence(production: dict[str, str], name: str) -> None:
    del production[name]
    said = sentences({**production, "PORTAL_MODE": "production"})
    assert len(said) == 1
    assert said[0].startswith(f"{name} is not set: production needs ")


def test_every_missing_variable_is_named_at_once(tmp_path: Path) -> None:
    said = " ".join(sentences({"DATA_DIR": str(tmp_path)}))
    for name in (
        "SECRET_KEY_FILE",
        "PUBLIC_URL",
        "LISTEN_ADDRESS",
        "DATABASE_URL",
        "BROKER_URL",
        "EMAIL_URL",
        "TLS_CERT",
    ):
        assert f"{name} " in said
    assert "`make run` starts the demo" in said


def test_production_needs_tls_or_a_front_server(production: dict[str, str]) -> None:
    del production["TLS_CERT"], production["TLS_KEY"]
    assert "TRUSTED_PROXIES" in sentences(production)[0] or "TRUSTED_PROXIES" in sentences(production)[-1]
    assert read({**production, "TRUSTED_PROXIES": "10.0.0.2, 10.0.0.3"}).trusted_proxies == ("10.0.0.2", "10.0.0.3")


def test_half_of_a_certificate_is_refused(production: dict[str, str]) -> None:
    del production["TLS_KEY"]
    assert "go together" in sentences(production)[0]


def test_plain_http_is_refused_in_production(production: dict[str, str]) -> None:
    assert "https://" in sentences({**production, "PUBLIC_URL": "http://imaging.example.org"})[0]


def test_the_application_may_not_use_the_owners_role(production: dict[str, str]) -> None:
    assert "must not own" in sentences({**production, "DATABASE_OWNER_URL": production["DATABASE_URL"]})[0]


def test_a_serving_process_has_no_owner(production: dict[str, str]) -> None:
    assert read({**production, "PORTAL_SERVING": "1"}).database_owner_url is None


def test_secrets_are_not_shown(production: dict[str, str]) -> None:
    shown = repr(read(production))
    for secret in ("k" * 64, "app:a@", "owner:o@", "p@ss", "p%40ss"):
        assert secret not in shown


def test_the_mail_server_is_taken_apart(production: dict[str, str]) -> None:
    mail = read(production).mail
    assert (mail.host, mail.port, mail.user, mail.password, mail.use_tls) == (
        "mail.example.org",
        587,
        "user",
        "p@ss",
        True,
    )


def test_the_demo_needs_nothing_and_stays_on_this_machine(tmp_path: Path) -> None:
    environment = read({"PORTAL_MODE": "demo", "DATA_DIR": str(tmp_path / "data"), "LISTEN_ADDRESS": "0.0.0.0"})
    assert environment.listen_address == "127.0.0.1"
    assert environment.public_url == "http://localhost:8000"
    assert environment.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert environment.database_embedded
    assert environment.broker_embedded
    assert not environment.secure_cookies


def test_the_demo_keeps_its_secrets_to_this_account(tmp_path: Path) -> None:
    variables = {"PORTAL_MODE": "demo", "DATA_DIR": str(tmp_path / "data")}
    first = read(variables)
    folder = tmp_path / "data" / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert read(variables).secret_key == first.secret_key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_PORT", "http"),
        ("DICOM_PORT", "70000"),
        ("DICOM_AE_TITLE", "A_TITLE_OF_17_CHR"),
        ("SPOOL_RESERVE", "a lot"),
        ("PORTAL_MODE", "staging"),
        ("TIME_ZONE", "Paris"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(production: dict[str, str], name: str, value: str) -> None:
    said = sentences({**production, name: value})
    assert any(name in sentence and value in sentence for sentence in said)


@pytest.mark.parametrize(
    ("reserve", "size"), [("5%", 50), ("0", 0), ("2.5 %", 25), ("20G", 20 * 1024**3), ("1 TiB", 1024**4)]
)
def test_a_reserve_is_a_share_or_a_size(reserve: str, size: int) -> None:
    assert reserve_bytes(reserve, 1000) == size


def test_an_env_file_is_read_and_never_executed(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# ports\nexport PORTAL_PORT=8010\nDEMO_PASSWORD='with # and space'\nX=$(touch /tmp/no) # no\n\n")
    assert read_env_file(path) == {
        "PORTAL_PORT": "8010",
        "DEMO_PASSWORD": "with # and space",
        "X": "$(touch /tmp/no)",
    }


def test_a_line_that_is_no_variable_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("PORTAL_PORT=8010\nwhat is this\n")
    with pytest.raises(Misconfigured, match=r"Line 2 of .*NAME=value"):
        read_env_file(path)


def test_every_variable_is_documented() -> None:
    sources = "".join((ROOT / "portal" / name).read_text() for name in ("environment.py", "mail.py"))
    names = set(re.findall(r'(?:text|number|port|path|items|required|file)\(\s*"([A-Z][A-Z0-9_]+)"', sources))
    assert len(names) > 25
    documented = (ROOT / "docs" / "install.md").read_text()
    assert [name for name in sorted(names) if f"`{name}" not in documented] == []
