"""Old months leave the table only as what was archived, checked, put on record and old enough."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from accounts.audit import Action
from accounts.audit.models import AuditEvent, AuditPolicy, AuditReceiver

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
MARCH = "accounts_auditevent_2015_03"


@pytest.fixture
def march(transactional_db: None) -> Iterator[str]:
    """A month of long ago, with three events."""
    role = connection.settings_dict["USER"]
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT accounts_audit_add_month('2015-03-01', %s)", [role])
    for day in (1, 14, 31):
        at = datetime(2015, 3, day, 12, tzinfo=UTC)
        AuditEvent(at=at, action=Action.STUDY_OPENED, actor_kind="user", actor_id="1", patient_id="MRN1").save()
    try:
        yield "2015-03"
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {MARCH}")


def months(*arguments: str, capsys: pytest.CaptureFixture[str]) -> Any:
    call_command("audit_months", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def is_there() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [MARCH])
        return bool(cursor.fetchone()[0])


def test_months_are_listed_and_old_ones_named(march: str, capsys: pytest.CaptureFixture[str]) -> None:
    listed = {line["month"]: line["old"] for line in months("list", capsys=capsys)}
    assert listed.pop(march) is True
    assert not any(listed.values())
    AuditPolicy.objects.create(pk=1, retention_years=20)
    assert not any(line["old"] for line in months("list", capsys=capsys))


def test_a_month_is_archived_checked_and_then_taken_out(
    march: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (archived,) = months("archive", march, "--to", str(tmp_path), capsys=capsys)
    assert (archived["events"], archived["removed"], is_there()) == (3, False, True)
    lines = gzip.decompress((tmp_path / "audit-2015-03.jsonl.gz").read_bytes()).splitlines()
    assert [json.loads(line)["patient_id"] for line in lines] == ["MRN1"] * 3
    (removed,) = months("remove", march, "--to", str(tmp_path), "--yes", capsys=capsys)
    assert removed["removed"] is True
    assert not is_there()
    told = {row.action: row.detail for row in AuditEvent.objects.filter(subject_uid=march)}
    assert told["audit.archived"]["events"] == told["audit.removed"]["events"] == 3
    with pytest.raises(CommandError, match="no month"):
        call_command("audit_months", "remove", march, "--to", str(tmp_path))


def test_what_was_not_archived_or_is_not_the_same_stays(march: str, tmp_path: Path) -> None:
    def remove() -> None:
        call_command("audit_months", "remove", march, "--to", str(tmp_path), "--yes")

    with pytest.raises(CommandError, match="cannot be read"):
        remove()
    call_command("audit_months", "archive", march, "--to", str(tmp_path), "--json")
    AuditEvent(at=datetime(2015, 3, 2, tzinfo=UTC), action=Action.STUDY_OPENED, actor_kind="user").save()
    with pytest.raises(CommandError, match="not what the table holds"):
        remove()
    call_command("audit_months", "archive", march, "--to", str(tmp_path), "--json")
    file = tmp_path / "audit-2015-03.jsonl.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] + b"x" + whole[-8:])
    with pytest.raises(CommandError, match="changed or damaged"):
        remove()
    assert is_there()


def test_a_receiver_that_lacks_events_keeps_the_month(march: str, tmp_path: Path) -> None:
    AuditReceiver.objects.create(name="repository", host="localhost", sent_through=1)
    call_command("audit_months", "archive", march, "--to", str(tmp_path), "--json")
    with pytest.raises(CommandError, match="repository"):
        call_command("audit_months", "remove", march, "--to", str(tmp_path), "--yes")
    assert is_there()


def test_a_month_that_is_still_kept_is_not_taken_out(march: str, tmp_path: Path) -> None:
    AuditPolicy.objects.create(pk=1, retention_years=30)
    call_command("audit_months", "archive", march, "--to", str(tmp_path), "--json")
    with pytest.raises(CommandError, match="not older"):
        call_command("audit_months", "remove", march, "--to", str(tmp_path), "--yes")


def test_nobody_takes_a_month_out_without_saying_so(
    march: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("audit_months", "archive", march, "--to", str(tmp_path), "--json")
    monkeypatch.setattr("builtins.input", lambda _question: "")
    with pytest.raises(CommandError, match="Nothing was taken out"):
        call_command("audit_months", "remove", march, "--to", str(tmp_path))
    with pytest.raises(CommandError, match="must be there"):
        call_command("audit_months", "archive", march, "--to", str(tmp_path / "missing"))


def test_a_timer_works_only_where_the_policy_says_so(
    march: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="policy"):
        call_command("audit_months", "due", "--to", str(tmp_path))
    assert is_there()
    AuditPolicy.objects.create(pk=1, removes_old_months=True)
    (removed,) = months("due", "--to", str(tmp_path), capsys=capsys)
    assert (removed["month"], is_there()) == (march, False)
    assert months("due", "--to", str(tmp_path), capsys=capsys) == []
