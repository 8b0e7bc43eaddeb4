"""Is the portal what was promised: every question has an answer, wrong settings are found, and only who may asks."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.compliance import registry
from accounts.compliance.registry import Level
from accounts.models import FrameOrigin, OutboundHost, User
from accounts.roles import Role
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def answer(identity: str) -> registry.Answer:
    """What one question is answered with now."""
    return next(entry.answer for entry in registry.results() if entry.check.id == identity)


@pytest.fixture
def keeper() -> User:
    """Somebody who looks after the portal's settings."""
    person: User = UserFactory.create(username="keeper", is_staff=True)
    MembershipFactory.create(user=person, role=Role.ADMINISTRATOR)
    return person


def test_every_question_is_answered_in_words(settings: Any) -> None:
    found = registry.results()
    assert len(found) >= 25
    for entry in found:
        assert entry.answer.words, entry.check.id
        assert entry.check.requirements, entry.check.id
        assert "could not be found out" not in entry.answer.words, entry.check.id
        if entry.answer.level in {Level.NOT_MET, Level.ATTENTION}:
            assert entry.answer.remedy, entry.check.id


def test_wrong_settings_are_found(settings: Any) -> None:
    settings.DEMO = False
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["*"]
    settings.SESSION_COOKIE_SECURE = False
    settings.SECURE_HSTS_SECONDS = 60
    settings.PUBLIC_URL = "http://imaging.example.org"
    for name in ("debug", "hosts", "cookies", "hsts", "tls"):
        assert answer(f"transport.{name}").level == Level.NOT_MET, name


def test_an_account_with_a_known_password_is_found_in_production_only(settings: Any) -> None:
    settings.DEMO = False
    assert answer("people.default-accounts").level == Level.MET
    person = UserFactory.create(username="admin")
    person.set_password("negatoscope-demo")
    person.save()
    found = answer("people.default-accounts")
    assert found.level == Level.NOT_MET
    assert "admin" in found.words
    assert "negatoscope-demo" not in found.words
    settings.DEMO = True
    assert answer("people.default-accounts").level == Level.ATTENTION


def test_accounts_that_nobody_uses_and_hosts_that_are_too_wide_are_found() -> None:
    long_ago = timezone.now() - timedelta(days=400)
    UserFactory.create(date_joined=long_ago, last_login=long_ago)
    assert answer("people.unused-accounts").level == Level.ATTENTION
    OutboundHost.objects.create(host="ris.example.org", purpose="tests", networks=["10.0.0.0/8"])
    assert "ris.example.org" in answer("machines.outbound").words


def test_the_audit_cannot_be_changed_by_the_role_that_asks() -> None:
    assert answer("audit.unchangeable").level == Level.MET
    assert answer("host.database-role").level == Level.MET


def test_a_question_that_fails_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> registry.Answer:
        raise OSError("/etc/secret")

    monkeypatch.setattr(registry, "_checks", {})
    registry.check("people.broken", area=registry.Area.PEOPLE, title="Broken")(broken)
    (only,) = registry.results()
    assert only.answer.level == Level.NOT_MET
    assert "/etc/secret" not in only.answer.words
    with pytest.raises(ValueError, match="broken"):
        registry.check("people.broken", area=registry.Area.PEOPLE, title="Again")(broken)


def test_the_page_is_for_those_who_look_after_the_portal(client: Client, keeper: User) -> None:
    assert client.get("/admin/compliance/").status_code == 302
    client.force_login(UserFactory.create(is_staff=True))
    assert client.get("/admin/compliance/").status_code == 403
    client.force_login(keeper)
    FrameOrigin.objects.create(origin="https://record.example.org", purpose="tests")
    page = client.get("/admin/compliance/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "transport.tls" in text
    assert "/admin/accounts/frameorigin/" in text
    assert "/admin/compliance/" in client.get("/admin/").content.decode()
    assert AuditEvent.objects.filter(action="compliance.read", actor_name="keeper").count() == 1


def test_the_command_tells_machines_and_fails_when_something_is_not_met(settings: Any, capsys: Any) -> None:
    settings.DEMO = False
    settings.DEBUG = True
    with pytest.raises(CommandError) as refused:
        call_command("compliance", "--json")
    assert refused.value.returncode == 1
    told = {entry["id"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert told["transport.debug"]["level"] == "not_met"
    assert told["transport.debug"]["requirements"]
