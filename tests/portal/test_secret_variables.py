"""Secrets come from files that nobody else reads, or from variables; those that everybody knows are refused."""

import os
from pathlib import Path

import pytest

from portal import secret_variables
from portal.environment import Misconfigured, read
from portal.secret_variables import SECRETS, is_sample, with_secrets


def secret(path: Path, text: str, mode: int = 0o600) -> str:
    path.touch(0o600)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_be_named_as_a_file(name: str, tmp_path: Path) -> None:
    assert with_secrets({f"{name}_FILE": secret(tmp_path / "it", "the value\n")})[name] == "the value"


def test_the_owners_address_cannot_be_found_by_its_file(tmp_path: Path) -> None:
    found = with_secrets({"DATABASE_OWNER_URL_FILE": secret(tmp_path / "it", "postgresql://owner@/x")})
    assert "DATABASE_OWNER_URL_FILE" not in found


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o640, 0o602, 0o660])
def test_a_file_that_others_read_is_refused_with_what_to_do(mode: int, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        with_secrets({"BROKER_URL_FILE": secret(tmp_path / "it", "redis://x", mode)})
    assert "chmod 600" in str(refused.value)
    assert "redis://x" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another account, as containers do")
def test_a_file_that_is_handed_to_our_group_is_read(tmp_path: Path) -> None:
    path = secret(tmp_path / "it", "redis://x", 0o640)
    os.chown(path, 65534, os.getegid())
    assert with_secrets({"BROKER_URL_FILE": path})["BROKER_URL"] == "redis://x"
    Path(path).chmod(0o660)
    with pytest.raises(Misconfigured):
        with_secrets({"BROKER_URL_FILE": path})


def test_a_secret_that_is_set_both_ways_must_be_the_same(tmp_path: Path) -> None:
    path = secret(tmp_path / "it", "redis://x")
    assert with_secrets({"BROKER_URL_FILE": path, "BROKER_URL": "redis://x"})["BROKER_URL"] == "redis://x"
    with pytest.raises(Misconfigured, match="differ"):
        with_secrets({"BROKER_URL_FILE": path, "BROKER_URL": "redis://y"})


@pytest.mark.parametrize(
    "text", ["k" * 64, "django-insecure-" + "x8f0Q2pLm4" * 5, "changeme" * 8, "your-secret-key" * 4, "ab" * 40]
)
def test_a_key_that_everybody_could_guess_is_refused(text: str, production: dict[str, str], tmp_path: Path) -> None:
    production["SECRET_KEY_FILE"] = secret(tmp_path / "guessed", text)
    with pytest.raises(Misconfigured, match="openssl rand"):
        read(production)


@pytest.mark.parametrize("word", ["postgres", "password", "negatoscope", "123456", "changeme"])
def test_a_database_with_a_password_that_everybody_knows_is_refused(word: str, production: dict[str, str]) -> None:
    production["DATABASE_URL"] = f"postgresql://app:{word}@db/negatoscope"
    with pytest.raises(Misconfigured, match="everybody knows") as refused:
        read(production)
    assert f":{word}@" not in str(refused.value)


def test_random_secrets_are_no_samples() -> None:
    for _ in range(200):
        assert not is_sample(os.urandom(36).hex())
    assert secret_variables.is_sample("orthanc")
