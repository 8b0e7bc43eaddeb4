"""Sessions: idle and absolute limits, ended at once everywhere, never fixed, never stolen after the end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import User
from accounts.services import IssuedKey
from accounts.signing_in import sessions
from tests.accounts.signing_in.conftest import is_signed_in, sign_in

pytestmark = pytest.mark.django_db
SESSION = "/account/session/"
POLL = {"HTTP_SEC_FETCH_DEST": "empty", "HTTP_X_REQUESTED_WITH": "fetch"}


def wait(client: Client, minutes: float) -> None:
    """Let time pass for a session, for all processes."""
    key = client.session.session_key
    rows = UserSession.objects.filter(session_key=key)
    rows.update(last_seen_at=timezone.now() - timedelta(minutes=minutes))
    sessions._seen.clear()


def alive(client: Client, **headers: str) -> bool:
    return client.get(SESSION, **headers).status_code == 204


def reasons() -> list[str]:
    ended = AuditEvent.objects.filter(action=Action.SESSION_ENDED).order_by("at")
    return [event.detail["reason"] for event in ended]


def test_a_session_without_activity_ends(client: Client, alice: User) -> None:
    client.force_login(alice)
    wait(client, 14)
    assert alive(client)
    wait(client, 16)
    assert client.get(SESSION)["Location"].startswith(reverse("account_login"))
    assert not is_signed_in(client)
    assert reasons() == ["idle"]
    assert not UserSession.objects.exists()


def test_what_a_page_fetches_by_itself_keeps_nobody_signed_in(client: Client, alice: User) -> None:
    client.force_login(alice)
    wait(client, 14)
    assert alive(client, **POLL)
    sessions._seen.clear()
    key = client.session.session_key
    UserSession.objects.filter(session_key=key).update(last_seen_at=timezone.now() - timedelta(minutes=15.5))
    sessions._seen.clear()
    assert client.get(SESSION, **POLL).status_code == 401


def test_a_key_that_the_page_reports_is_activity(client: Client, alice: User) -> None:
    client.force_login(alice)
    wait(client, 14)
    assert client.post(SESSION, **POLL).status_code == 204
    assert timezone.now() - UserSession.objects.get().last_seen_at < timedelta(minutes=1)


def test_no_session_outlives_its_hours(client: Client, alice: User, rules: Any) -> None:
    rules(absolute_hours=8)
    client.force_login(alice)
    session = client.session
    session["began"] -= 8 * 3600
    session.save()
    assert not alive(client)
    assert reasons() == ["absolute"]


def test_a_session_whose_clocks_are_gone_is_over(client: Client, alice: User) -> None:
    client.force_login(alice)
    session = client.session
    del session["began"]
    session.save()
    assert not alive(client)
    client.force_login(alice)
    UserSession.objects.all().delete()
    sessions._seen.clear()
    assert not alive(client)


def test_the_rules_of_the_moment_hold_for_sessions_that_live(client: Client, alice: User, rules: Any) -> None:
    client.force_login(alice)
    wait(client, 5)
    assert alive(client, **POLL)
    rules(idle_minutes=2)
    sessions._seen.clear()
    assert not alive(client, **POLL)


DOORS = ("/", "/dicom-web/studies", "/api/v1/studies", "/account/security/", "/admin/")


@pytest.mark.parametrize(
    "end",
    [
        lambda user: sessions.end_all(actor=SYSTEM, user=user, reason="test"),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: Session.objects.all().delete(),
    ],
)
def test_a_session_that_was_ended_opens_no_door_any_more(
    client: Client, alice: User, end: Callable[[User], Any]
) -> None:
    client.force_login(alice)
    assert [client.get(door).status_code for door in DOORS[:4]] == [200, 200, 200, 200]
    end(alice)
    for door in DOORS:
        answer = client.get(door)
        assert answer.status_code in {302, 401}, door


def test_a_cookie_that_was_copied_is_worth_nothing_after_the_sign_out(client: Client, alice: User) -> None:
    sign_in(client)
    stolen = Client()
    stolen.cookies[django_settings.SESSION_COOKIE_NAME] = client.session.session_key
    assert alive(stolen)
    client.post(reverse("account_logout"))
    assert not alive(stolen)
    again = Client()
    sign_in(again)
    assert not alive(stolen)


def test_an_account_switched_off_and_on_again_brings_no_session_back(
    admin_client: Client, client: Client, alice: User
) -> None:
    client.force_login(alice)
    sessions.end_all(actor=SYSTEM, user=alice, reason="account switched off")
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert not alive(client)


def test_a_key_planted_before_the_sign_in_opens_nothing_after_it(client: Client, alice: User) -> None:
    client.post(reverse("accounts:passkey-options"), {"for": "sign-in"})
    planted = client.session.session_key
    assert planted
    sign_in(client)
    assert is_signed_in(client)
    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = planted
    assert not alive(thief)


def test_a_key_is_changed_by_a_proof_as_by_a_sign_in(client: Client, alice: User) -> None:
    from tests.factories.accounts import PASSWORD

    client.force_login(alice)
    before = client.session.session_key
    client.post(reverse("accounts:confirm"), {"password": PASSWORD})
    assert client.session.session_key != before
    assert alive(client)
    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = before
    assert not alive(thief)


def test_a_person_sees_and_ends_their_own_sessions_and_nobody_else_s(client: Client, alice: User, bob: User) -> None:
    client.force_login(alice)
    elsewhere, other = Client(HTTP_USER_AGENT="Mozilla/5.0 (Windows) Firefox/130.0"), Client()
    elsewhere.post(reverse("account_login"), {"login": "alice", "password": "a-long-enough-password"})
    other.force_login(bob)
    page = client.get(reverse("accounts:security")).content.decode()
    assert "Firefox on Windows" in page
    theirs = UserSession.objects.get(session_key=other.session.session_key)
    assert client.post(reverse("accounts:end-session", args=[theirs.pk])).status_code == 404
    assert alive(other)
    mine = UserSession.objects.get(session_key=elsewhere.session.session_key)
    client.post(reverse("accounts:end-session", args=[mine.pk]))
    assert not alive(elsewhere)
    assert alive(client)


def test_all_other_sessions_end_and_this_one_goes_on(client: Client, alice: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(alice)
    client.force_login(alice)
    client.post(reverse("accounts:end-other-sessions"))
    assert alive(client)
    assert not alive(elsewhere)


def test_a_machine_s_request_is_none_of_a_session(client: Client, alice: User, machine: IssuedKey) -> None:
    client.force_login(alice)
    wait(client, 600)
    answer = client.get("/api/v1/studies", HTTP_AUTHORIZATION=f"Bearer {machine.plaintext}", secure=True)
    assert answer.status_code == 200
    assert reasons() == []


def test_a_cookie_lasts_no_longer_than_the_browser(client: Client, alice: User) -> None:
    sign_in(client)
    assert client.cookies[django_settings.SESSION_COOKIE_NAME]["max-age"] == ""


def test_the_next_person_takes_over_and_nothing_of_the_first_stays(client: Client, alice: User, bob: User) -> None:
    client.force_login(alice)
    before = client.session.session_key
    answer = client.post(reverse("accounts:switch"), {"next": "/studies/1.2.3/"})
    assert answer["Location"] == "/account/login/?next=%2Fstudies%2F1.2.3%2F"
    assert '"storage"' in answer["Clear-Site-Data"]
    assert not Session.objects.filter(session_key=before).exists()
    assert sign_in(client, "bob", next="/studies/1.2.3/")["Location"] == "/studies/1.2.3/"
    # Not Bob's to see: he comes to his own list, and is told so.
    answer = client.get("/studies/1.2.3/")
    assert answer["Location"] == "/"
    assert "not among those" in client.get("/").content.decode()
    assert client.get("/studies/1.2.3/").status_code == 404


def test_users_are_not_switched_where_the_rules_say_no(client: Client, alice: User, rules: Any) -> None:
    rules(quick_switch=False)
    client.force_login(alice)
    assert client.post(reverse("accounts:switch")).status_code == 404
    assert is_signed_in(client)
    assert "Switch user" not in client.get("/").content.decode()


def test_the_next_person_is_sent_to_no_other_house(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post(reverse("accounts:switch"), {"next": "https://evil.example/"})
    assert "evil" not in answer["Location"]


def test_a_proof_that_is_under_way_revives_no_session_that_was_ended(
    client: Client, alice: User, rf: RequestFactory
) -> None:
    sign_in(client)
    request = rf.post(reverse("accounts:confirm"))
    request.user, request.session = alice, SessionStore(client.session.session_key)
    assert request.session["proofs"], "the request has read its session"
    assert sessions.end_one(actor=SYSTEM, user=alice, pk=UserSession.objects.get().pk)
    with pytest.raises(SessionInterrupted):
        sessions.rotate(request)
    assert not Session.objects.exists()
    assert not is_signed_in(client)
