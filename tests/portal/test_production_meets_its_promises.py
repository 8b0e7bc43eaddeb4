"""A portal set up as the documentation says: nothing that it promises is unmet, from the first day on."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from django.db import connection

from tests.portal.processes import ROOT, python, variables

#: What a hospital decides after the first day: said on the page as open, never as met.
LEFT_TO_THE_HOSPITAL = {
    "people.administrators",
    "audit.forwarding",
    "audit.retention",
    "data.second-copy",
    "host.clock",
}


def _address(variable: str, folder: Path) -> str:
    """A file with the address of the test database for the role that the variable names; the address itself names none."""
    told = os.environ[variable]
    plain, mark, question = told.partition("?")
    file = folder / variable.lower()
    file.touch(0o600)
    file.write_text(f"{plain.rpartition('/')[0]}/{connection.settings_dict['NAME']}{mark}{question}")
    return str(file)


@pytest.mark.django_db(transaction=True)
def test_production_as_documented_meets_every_promise(tmp_path: Path) -> None:
    data_dir, key = tmp_path / "data", tmp_path / "key"
    data_dir.mkdir(mode=0o700)
    key.touch(0o600)
    key.write_text(os.urandom(48).hex())
    production = variables(
        PORTAL_MODE="production",
        DATA_DIR=str(data_dir),
        SECRET_KEY_FILE=str(key),
        PUBLIC_URL="https://imaging.example.org",
        LISTEN_ADDRESS="127.0.0.1",
        DATABASE_URL_FILE=_address("DATABASE_URL", tmp_path),
        DATABASE_OWNER_URL_FILE=_address("DATABASE_OWNER_URL", tmp_path),
        BROKER_URL="redis://127.0.0.1:6379/0",
        EMAIL_URL="smtps://mail.example.org:465",
        TRUSTED_PROXIES="127.0.0.1",
    )

    def asked(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            python("manage.py", *words),
            cwd=ROOT,
            env=production,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    told = asked("compliance", "--json")
    answers = {row["id"]: row for row in json.loads(told.stdout)}
    assert {row["id"]: row["words"] for row in answers.values() if row["level"] == "not_met"} == {}
    assert told.returncode == 0, told.stderr
    open_ones = {name for name, row in answers.items() if row["level"] == "attention"}
    assert open_ones <= LEFT_TO_THE_HOSPITAL
    # A file of settings that others read is found, and one that is not read is none of its business.
    settings = tmp_path / "portal.env"
    settings.write_text("LISTEN_ADDRESS=127.0.0.1\n")
    settings.chmod(0o644)
    production["ENV_FILE"] = str(settings)
    told = asked("compliance", "--json")
    assert told.returncode == 1
    (found,) = (row for row in json.loads(told.stdout) if row["level"] == "not_met")
    assert (found["id"], ".env" in found["words"]) == ("host.secret-files", True)
