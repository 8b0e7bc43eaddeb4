"""Everything locked is in the bill, with a licence that was allowed; an advisory about what we have is not passed over."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.supply_chain import audit, check
from tests.supply_chain.bill import bill
from tests.supply_chain.packages import ROOT, Package, all_packages


def package(name: str = "example", version: str = "1.2.3", licence: str = "MIT") -> Package:
    return Package("pypi", name, version, licence, (("SHA-256", "0" * 64),))


def test_nothing_is_wrong_with_what_is_locked() -> None:
    assert list(check.problems()) == []


def test_the_bill_holds_every_locked_package_and_is_valid() -> None:
    made = bill()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None
    listed = {component["name"] for component in made["components"]}
    assert {"django", "pydicom", "psycopg", "htmx.org", "@cornerstonejs/core"} <= listed
    assert len(made["components"]) == len(all_packages()) > 250
    assert made == bill()


def test_no_host_of_a_registry_is_named() -> None:
    assert "://registry." not in json.dumps(bill())
    for path in sorted((ROOT / "tests" / "supply_chain").iterdir()):
        if path.suffix in {".py", ".toml"} and path.name != Path(__file__).name:
            assert "https://" not in path.read_text(), path


def test_an_advisory_is_heard_until_somebody_has_decided() -> None:
    about = {"id": "CVE-1", "package": "pypi/example", "affected": "<1.3", "about": "Bad.", "decision": "Bump."}
    assert len(list(check.vulnerable([package()], [about]))) == 1
    assert not list(check.vulnerable([package(version="1.3")], [about]))
    assert not list(check.vulnerable([package()], [{**about, "applies": False}]))
    assert len(list(check.vulnerable([package()], [{**about, "applies": False, "decision": ""}]))) == 1


@pytest.mark.parametrize(
    ("expression", "is_allowed"),
    [
        ("MIT", True),
        ("(MIT AND Zlib)", True),
        ("AGPL-3.0-only", False),
        ("GPL-2.0-only OR MIT", True),
        ("MIT AND X", False),
    ],
)
def test_of_alternatives_one_is_enough(expression: str, is_allowed: bool) -> None:
    assert bool(check.unexpected(expression, {"MIT", "Zlib"})) is not is_allowed


def fake(folder: Path, name: str, told: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{told}\nEND\n")
    program.chmod(0o700)


def test_a_service_that_does_not_answer_is_said_and_is_no_clean_bill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(tmp_path, "npm", "")
    fake(tmp_path, "pip-audit", json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}))
    fake(tmp_path, "python", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert audit.main() == 2
    told = capsys.readouterr()
    assert "NOT AUDITED: npm" in told.err
    assert "Python packages: 0 advisories" in told.out


def test_what_a_service_tells_and_nobody_has_decided_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vulns = [{"id": "PYSEC-1", "aliases": ["CVE-2030-1"]}, {"id": "PYSEC-2", "aliases": ["CVE-2026-32711"]}]
    fake(tmp_path, "pip-audit", json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": vulns}]}))
    via = [{"url": "https://example.org/advisories/GHSA-1", "title": "Bad"}]
    fake(tmp_path, "npm", json.dumps({"vulnerabilities": {"b": {"name": "b", "range": "<2", "via": via}}}))
    fake(tmp_path, "python", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert audit.main() == 1
    told = capsys.readouterr().err
    assert "CVE-2030-1: a 1" in told
    assert "GHSA-1: b <2: Bad" in told
    assert "CVE-2026-32711" not in told


def test_the_check_runs_as_make_runs_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.supply_chain.check"], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
