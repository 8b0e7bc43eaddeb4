"""The audit: written once, in the transaction of what it tells, and never changed."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import audit
from accounts.actor import SYSTEM, Actor
from accounts.audit import Action, AuditUnavailable, coalescing, context, partitions, selectors, spool, table
from accounts.audit.models import AuditEvent, uuid7
from accounts.audit.record import DETAIL_LIMIT, TEXT_LIMIT

ALICE = Actor(kind="user", id="7", name="alice", address="10.0.0.7", door="page", request_id="r1")


OWNER = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def full_table(transactional_db: None) -> Iterator[None]:
    """A table that refuses inserts alone: the owner has taken the privilege, and gives it back."""
    role = connection.settings_dict["USER"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'REVOKE INSERT ON accounts_auditevent FROM "{role}"')
        try:
            yield
        finally:
            cursor.execute(f'GRANT INSERT ON accounts_auditevent TO "{role}"')


def owned(*statements: str) -> None:
    """Run statements as the role that owns the table, in a transaction of its own."""
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def waiting_row(**more: Any) -> table.Row:
    """A row as it lies in the spool."""
    row: table.Row = dict.fromkeys(
        ("actor_id", "actor_name", "address", "door", "request_id", "subject_type", "subject_uid", "patient_id"), ""
    )
    row |= {"id": str(uuid7()), "at": timezone.now().isoformat(), "action": "study.opened", "outcome": "success"}
    return {**row, "actor_kind": "user", "issuer_of_patient_id": "", "departments": None, "detail": {}, **more}


def opened(**more: Any) -> None:
    audit.record(
        Action.STUDY_OPENED,
        actor=ALICE,
        subject_type="study",
        subject_uid="1.2.3",
        patient_id="MRN1",
        **more,
    )


@pytest.mark.django_db
def test_an_event_tells_who_did_what_to_which_patient_from_where() -> None:
    opened(detail={"reason": "care"})
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome) == ("study.opened", "success")
    assert (event.actor_kind, event.actor_id, event.actor_name) == ("user", "7", "alice")
    assert (event.address, event.door, event.request_id) == ("10.0.0.7", "page", "r1")
    assert (event.subject_type, event.subject_uid, event.patient_id) == ("study", "1.2.3", "MRN1")
    assert event.detail == {"reason": "care"}
    assert timezone.now() - event.at < timedelta(seconds=10)


@pytest.mark.django_db
def test_the_edge_fills_in_what_the_actor_does_not_say() -> None:
    with context.entered(door="dimse", address="10.0.0.9") as here:
        audit.record(Action.ASSOCIATION_ACCEPTED, actor=SYSTEM)
    event = AuditEvent.objects.get()
    assert (event.door, event.address, event.request_id) == ("dimse", "10.0.0.9", here.request_id)
    assert context.current() == context.Context()


@pytest.mark.django_db
def test_an_action_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="peeked"):
        audit.record("study.peeked", actor=ALICE)  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_an_event_goes_with_the_transaction_it_tells_of() -> None:
    with transaction.atomic():
        opened()
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE accounts_auditevent SET actor_name = 'bob'",
        "DELETE FROM accounts_auditevent",
        "TRUNCATE accounts_auditevent",
        "DELETE FROM accounts_auditevent WHERE false",
        "DELETE FROM accounts_auditevent_default",
        "TRUNCATE accounts_auditevent_default",
        "DROP TABLE accounts_auditevent",
        "ALTER TABLE accounts_auditevent DISABLE TRIGGER ALL",
        "ALTER TABLE accounts_auditevent DETACH PARTITION accounts_auditevent_default",
        "DROP TRIGGER auditevent_append_only ON accounts_auditevent",
        "DROP FUNCTION accounts_audit_refuse() CASCADE",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_cannot_change_what_was_recorded(change: str) -> None:
    opened()
    before = list(AuditEvent.objects.values())
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert list(AuditEvent.objects.values()) == before


@pytest.mark.django_db
def test_no_partition_can_be_changed_behind_the_table_s_back() -> None:
    opened()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'accounts_auditevent'::regclass"
        )
        names = [name for (name,) in cursor.fetchall()]
    assert len(names) >= 25
    for name in names:
        for change in (f"DELETE FROM {name}", f"UPDATE {name} SET door = ''", f"TRUNCATE {name}"):
            with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(change)


@OWNER
def test_even_the_owner_meets_the_triggers() -> None:
    opened()
    for change in (
        "UPDATE accounts_auditevent SET door = ''",
        "DELETE FROM accounts_auditevent",
        "TRUNCATE accounts_auditevent",
    ):
        with pytest.raises(ProgrammingError, match="append-only"):
            owned(change)


@pytest.mark.django_db
def test_an_event_lies_in_the_partition_of_its_month() -> None:
    opened()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM accounts_auditevent")
        assert cursor.fetchone() == (f"accounts_auditevent_{timezone.now().astimezone(UTC):%Y_%m}",)


@pytest.mark.django_db
def test_a_patient_s_question_touches_the_patient_s_index_only() -> None:
    rows = [audit.Entry(action=Action.STUDY_OPENED, actor=ALICE, patient_id=f"MRN{n}") for n in range(500)]
    audit.record_many(rows)
    assert selectors.events_of_patient("MRN7").count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = selectors.events_of_patient("MRN7").explain()
    scans = [line for line in plan.splitlines() if "Scan" in line]
    assert scans
    assert all("patient_id" in line for line in scans), plan


@OWNER
def test_months_are_added_once_and_protected() -> None:
    far = "accounts_auditevent_2029_12"
    months = (2029 - timezone.now().year) * 12 + 12 - timezone.now().month
    added = partitions.add_months(months=months)
    try:
        assert "2029-12" in added.partitions
        assert partitions.add_months(months=months).partitions == ()
        for change in (f"DELETE FROM {far}", f"TRUNCATE {far}"):
            with pytest.raises(ProgrammingError), connection.cursor() as cursor:
                cursor.execute(change)
    finally:
        owned(*[f"DROP TABLE accounts_auditevent_{name.replace('-', '_')}" for name in added.partitions])


@OWNER
def test_an_event_without_a_month_is_kept_and_moves_when_the_month_comes() -> None:
    AuditEvent(at=datetime(2019, 3, 14, tzinfo=UTC), action=Action.STUDY_OPENED, actor_kind="user").save()
    assert _where() == "accounts_auditevent_default"
    added = partitions.add_months(months=0)
    try:
        assert added.moved == 1
        assert _where() == "accounts_auditevent_2019_03"
        with pytest.raises(ProgrammingError), connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_auditevent_default")
        assert partitions.add_months(months=0).moved == 0
    finally:
        owned("DROP TABLE accounts_auditevent_2019_03")


def _where() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM accounts_auditevent")
        (name,) = cursor.fetchone()
    return str(name)


@OWNER
def test_the_command_says_what_it_added(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("partitions", "--json")
    assert json.loads(capsys.readouterr().out) == {"added": [], "moved": 0}
    with pytest.raises(CommandError, match="months"):
        call_command("partitions", "--months", "-1")


@OWNER
def test_a_read_goes_on_when_the_insert_alone_fails_and_its_event_comes_later(
    full_table: None, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL), transaction.atomic():
        opened()
        with connection.cursor() as cursor:  # the reader's transaction is whole
            cursor.execute("SELECT 1")
    assert spool.waiting() == 1
    assert "AUDIT ALARM" in caplog.text
    assert "MRN1" not in caplog.text
    with pytest.raises(DatabaseError):
        spool.drain()
    assert spool.waiting() == 1
    owned(f'GRANT INSERT ON accounts_auditevent TO "{connection.settings_dict["USER"]}"')
    assert spool.drain() == 1
    assert AuditEvent.objects.get().patient_id == "MRN1"
    assert spool.waiting() == 0
    assert spool.drain() == 0


@OWNER
def test_an_export_fails_closed(full_table: None, data_dir: Path) -> None:
    with pytest.raises(AuditUnavailable):
        opened(fail_closed=True)
    assert spool.waiting() == 0


@OWNER
def test_without_table_and_spool_nothing_goes_on(full_table: None, data_dir: Path) -> None:
    (data_dir / "spool-audit").write_text("a file where the folder should be")
    with pytest.raises(AuditUnavailable):
        opened()


@pytest.mark.django_db
def test_an_event_spooled_and_inserted_is_one_event(data_dir: Path) -> None:
    row = waiting_row(patient_id="MRN1")
    spool.write(row)
    table.write([row])
    assert spool.drain() == 1
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_spooled_file_that_cannot_be_read_is_kept(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool.write(waiting_row())
    (data_dir / "spool-audit" / "0.json").write_text("{")
    with caplog.at_level(logging.CRITICAL):
        assert spool.drain() == 1
    assert spool.waiting() == 1
    assert "cannot be read" in caplog.text


def test_spooled_events_are_readable_by_this_account_alone(data_dir: Path) -> None:
    spool.write(waiting_row())
    (file,) = (data_dir / "spool-audit").glob("*")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.django_db
def test_a_thousand_frames_are_one_event() -> None:
    written = [
        audit.record_read(Action.FRAMES_READ, actor=ALICE, subject_type="study", subject_uid="1.2.3")
        for _frame in range(1000)
    ]
    assert sum(written) == 1 == AuditEvent.objects.count()
    audit.record_read(Action.FRAMES_READ, actor=ALICE, subject_type="study", subject_uid="1.2.4")
    audit.record_read(Action.FRAMES_READ, actor=SYSTEM, subject_type="study", subject_uid="1.2.3")
    audit.record_read(Action.METADATA_READ, actor=ALICE, subject_type="study", subject_uid="1.2.3")
    assert AuditEvent.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_processes_agree_on_one_event() -> None:
    gate = threading.Barrier(4)

    def read() -> None:
        try:
            gate.wait(10)
            with transaction.atomic():
                audit.record_read(Action.FRAMES_READ, actor=ALICE, subject_type="study", subject_uid="1.2.3")
        finally:
            connection.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_after_the_window_a_read_is_told_again() -> None:
    for _time in range(2):
        audit.record_read(
            Action.FRAMES_READ, actor=ALICE, subject_type="study", subject_uid="1.2.3", window=timedelta(0)
        )
    assert AuditEvent.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_read_that_was_rolled_back_is_not_remembered() -> None:
    read = {"actor": ALICE, "subject_type": "study", "subject_uid": "1.2.3"}
    with transaction.atomic():
        audit.record_read(Action.FRAMES_READ, **read)
        transaction.set_rollback(True)
    assert audit.record_read(Action.FRAMES_READ, **read)
    assert AuditEvent.objects.count() == 1


def test_a_process_remembers_only_so_many_reads() -> None:
    for number in range(coalescing.REMEMBERED + 5):
        coalescing.remember(coalescing.Key("user", "1", "frames.read", "study", str(number)))
    assert len(coalescing._recent) == coalescing.REMEMBERED


HOSTILE = st.text(st.characters(codec=None), max_size=400)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.django_db
@given(HOSTILE, st.dictionaries(HOSTILE, JSON, max_size=4))
def test_hostile_text_is_recorded_and_not_spooled(text: str, detail: dict[str, Any]) -> None:
    with transaction.atomic():
        audit.record(
            Action.INSTANCE_QUARANTINED,
            actor=Actor(kind="application_entity", id=text, name=text),
            subject_uid=text,
            patient_id=text,
            detail=detail,
            fail_closed=True,
        )
    event = AuditEvent.objects.order_by("-id").first()
    assert event is not None
    assert len(event.patient_id) <= TEXT_LIMIT


@pytest.mark.django_db
def test_a_detail_that_is_too_long_is_left_out_and_said_so() -> None:
    opened(detail={"text": "x" * DETAIL_LIMIT})
    assert AuditEvent.objects.get().detail["truncated"] is True


def test_identifiers_follow_time() -> None:
    first = [uuid7() for _ in range(2000)]
    assert len(set(first)) == len(first)
    assert all(identifier.version == 7 for identifier in first)
    assert [identifier.int >> 80 for identifier in first] == sorted(identifier.int >> 80 for identifier in first)
