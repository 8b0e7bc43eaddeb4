"""When the audit, or the database, cannot be written: reads go on and are told later, exports do not happen, pages say so."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action, AuditUnavailable, spool
from accounts.audit.models import AuditEvent
from accounts.roles import Role
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

ALICE = Actor(kind="user", id="7", name="alice", address="10.0.0.7", door="page")
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def owned(*statements: str) -> None:
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def no_partition(transactional_db: None) -> Iterator[None]:
    """Neither this month's partition nor the default one: as after a repair that was not finished."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'accounts_auditevent_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")
        (month,) = cursor.fetchone()
        bounds = "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s"
        cursor.execute(bounds, [month])
        (bound,) = cursor.fetchone()
    for name in (month, "accounts_auditevent_default"):
        owned(f"ALTER TABLE accounts_auditevent DETACH PARTITION {name}")
    yield
    owned(
        f"ALTER TABLE accounts_auditevent ATTACH PARTITION {month} {bound}",
        "ALTER TABLE accounts_auditevent ATTACH PARTITION accounts_auditevent_default DEFAULT",
    )


@pytest.fixture
def full(transactional_db: None) -> Iterator[None]:
    """A table that says what PostgreSQL says when the disk has no room left."""
    owned(
        "CREATE FUNCTION test_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER test_disk_full BEFORE INSERT ON accounts_auditevent"
        " FOR EACH ROW EXECUTE FUNCTION test_disk_full()",
    )
    yield
    owned("DROP FUNCTION test_disk_full() CASCADE")


def reads_go_on(data_dir: Path, caplog: pytest.LogCaptureFixture, code: str) -> None:
    with caplog.at_level(logging.CRITICAL), transaction.atomic():
        audit.record(Action.STUDY_OPENED, actor=ALICE, subject_type="study", subject_uid="1.2", patient_id="MRN1")
        assert audit.record_read(Action.FRAMES_READ, actor=ALICE, subject_type="study", subject_uid="1.2")
        with connection.cursor() as cursor:  # the reader's transaction is whole
            cursor.execute("SELECT 1")
    assert spool.waiting() == 2
    assert caplog.text.count("AUDIT ALARM") == 2
    assert code in caplog.text
    assert "MRN1" not in caplog.text
    with pytest.raises(AuditUnavailable):
        audit.record(Action.STUDY_EXPORTED, actor=ALICE, fail_closed=True)
    assert spool.waiting() == 2
    rows = [json.loads(file.read_text()) for file in (data_dir / "spool-audit").glob("*.json")]
    assert {row["patient_id"] for row in rows} == {"MRN1", ""}


def test_a_missing_partition(no_partition: None, data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    reads_go_on(data_dir, caplog, "23514")


def test_a_full_table(full: None, data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    reads_go_on(data_dir, caplog, "53100")
    owned("DROP TRIGGER test_disk_full ON accounts_auditevent")
    assert spool.drain() == 2
    assert AuditEvent.objects.count() == 2


def test_what_waited_keeps_the_departments_of_its_moment(full: None, data_dir: Path) -> None:
    user, department = UserFactory.create(), DepartmentFactory.create(code="emergency")
    membership = MembershipFactory.create(user=user, department=department, role=Role.CLINICIAN)
    actor = Actor(kind="user", id=str(user.pk), name=user.get_username())
    audit.record(Action.STUDY_OPENED, actor=actor)
    assert spool.waiting() == 1
    type(membership).objects.filter(pk=membership.pk).update(valid_until="2999-01-01T00:00:00Z")
    owned("DROP TRIGGER test_disk_full ON accounts_auditevent")
    spool.drain()
    assert AuditEvent.objects.get(action=Action.STUDY_OPENED).departments == ["emergency"]


def test_no_export_of_the_audit_itself(full: None, data_dir: Path) -> None:
    client = Client()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    for form in ("csv", "fhir"):
        response = client.post(reverse("admin:accounts_auditevent_export"), {"format": form}, follow=True)
        assert "Nothing was exported" in response.content.decode()


@pytest.fixture
def without_database(transactional_db: None) -> Iterator[Callable[[], None]]:
    """Calling it takes the database away from this process, until the test ends."""
    host = connection.settings_dict["HOST"]

    def leave() -> None:
        connection.close()
        connection.settings_dict["HOST"] = "/nonexistent"

    yield leave
    connection.close()
    connection.settings_dict["HOST"] = host


@pytest.mark.parametrize(("language", "words"), [("en", "cannot reach its database"), ("fr", 'lang="fr"')])
def test_without_the_database_nothing_is_readable_and_the_page_says_so(
    without_database: Callable[[], None], language: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(raise_request_exception=False, headers={"accept-language": language})
    client.force_login(UserFactory.create(language=language))
    assert client.get("/").status_code == 200
    without_database()
    for address in ("/", "/studies/1.2.3/", "/dicom-web/studies", "/admin/"):
        response = client.get(address)
        assert response.status_code == 503, address
        assert response["Retry-After"] == "30"
        assert response["Cache-Control"] == "no-store"
        page = response.content.decode()
        assert words in page
        assert "psycopg" not in page
    assert client.get("/api/v1/studies").status_code == 503


def test_a_question_that_fails_alone_is_no_lost_database(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def cancelled(*args: Any, **names: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 1")
            try:
                cursor.execute("SELECT pg_sleep(1)")
            finally:
                cursor.execute("SET statement_timeout = 0")

    client = Client(raise_request_exception=False)
    client.force_login(UserFactory.create())
    monkeypatch.setattr("accounts.middleware.SignInAgainMiddleware.__call__", cancelled)
    assert client.get("/").status_code == 500
