"""The audit as files: whole, in order, gone on with after a break, and never unrecorded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from fhir.resources.R4B.auditevent import AuditEvent as Resource
from lxml import etree

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action, exporting
from accounts.audit.models import AuditEvent

ALICE = Actor(kind="user", id="7", name="alice", address="10.0.0.7", door="page")
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def opened(count: int, patient: str = "MRN1") -> None:
    audit.record_many(
        audit.Entry(
            action=Action.STUDY_OPENED, actor=ALICE, subject_type="study", subject_uid=f"1.{number}", patient_id=patient
        )
        for number in range(count)
    )


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_everything_is_written_in_order_and_the_export_is_on_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(2300)
    call_command("export_audit", str(tmp_path / "a.jsonl"), "--json")
    assert json.loads(capsys.readouterr().out)["events"] == 2300
    numbers = [row["number"] for row in written(tmp_path / "a.jsonl")]
    assert numbers == sorted(numbers)
    assert len(numbers) == 2300
    event = AuditEvent.objects.get(action=Action.AUDIT_EXPORTED)
    assert (event.detail["events"], event.detail["format"], event.door) == (2300, "json", "command")
    assert (tmp_path / "a.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_later_run_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    opened(3)
    call_command("export_audit", str(file), "--verbosity=0")
    opened(2)
    with file.open("ab") as half:
        half.write(b'{"broken off in the mid')
    call_command("export_audit", str(file), "--resume", "--verbosity=0")
    assert [row["action"] for row in written(file)] == ["study.opened"] * 3 + ["audit.exported"] + ["study.opened"] * 2
    with pytest.raises(CommandError, match="there already"):
        call_command("export_audit", str(file))
    file.with_name("a.jsonl.state").unlink()
    with pytest.raises(CommandError, match="how far"):
        call_command("export_audit", str(file), "--resume")


def test_part_of_it_can_be_asked_for(tmp_path: Path) -> None:
    opened(2)
    opened(1, patient="MRN2")
    audit.record(Action.USER_SIGNED_IN, actor=ALICE)
    audit.record(Action.STUDY_EXPORTED, actor=ALICE, subject_uid="1.2")
    for name, options, expected in (
        ("signed", ["--action", "user.signed_in"], ["user.signed_in"]),
        ("exports", ["--action", "110106"], ["study.exported"]),
        ("patient", ["--patient", "MRN2"], ["study.opened"]),
        ("past", ["--until", "2020-01-01"], []),
        ("since", ["--since", "2999-01-01T10:00:00+01:00"], []),
    ):
        call_command("export_audit", str(tmp_path / name), "--verbosity=0", *options)
        assert [row["action"] for row in written(tmp_path / name)] == expected, name
    with pytest.raises(CommandError, match="no action"):
        call_command("export_audit", str(tmp_path / "x"), "--action", "study.peeked")
    with pytest.raises(CommandError, match="since"):
        call_command("export_audit", str(tmp_path / "x"), "--since", "yesterday")


def test_other_systems_formats(tmp_path: Path) -> None:
    opened(2)
    call_command("export_audit", str(tmp_path / "f"), "--format=fhir", "--action=study.opened", "--verbosity=0")
    for row in written(tmp_path / "f"):
        Resource.model_validate(row)
    call_command("export_audit", str(tmp_path / "d"), "--format=dicom", "--action=study.opened", "--verbosity=0")
    lines = (tmp_path / "d").read_bytes().splitlines()
    assert [etree.fromstring(line).tag for line in lines] == ["AuditMessage"] * 2


@pytest.fixture
def full_table(transactional_db: None) -> Iterator[None]:
    role = connection.settings_dict["USER"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'REVOKE INSERT ON accounts_auditevent FROM "{role}"')
        try:
            yield
        finally:
            cursor.execute(f'GRANT INSERT ON accounts_auditevent TO "{role}"')


def test_what_cannot_be_put_on_record_is_not_exported(tmp_path: Path, full_table: None, data_dir: Path) -> None:
    with pytest.raises(CommandError, match="on record"):
        call_command("export_audit", str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_audit", str(tmp_path / "missing" / "a"))


def test_names_of_actions() -> None:
    assert "study.opened" in exporting.known_actions(["110103"])
    assert exporting.known_actions([]) == ()
