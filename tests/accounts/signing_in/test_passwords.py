"""Passwords: leaked ones, links with which they are chosen, and nobody who chooses another's."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import SetPasswordLink, User
from accounts.signing_in import breached, passwords
from tests.accounts.signing_in.conftest import is_signed_in, sign_in
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
NEW = "a quite different sentence"
LEAKED = [f"leaked password {number}" for number in range(257)]


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest().upper()


def ntlm(text: str) -> str:
    return breached.md4(text.encode("utf-16-le")).hex().upper()


def written(path: Path, digests: list[str], end: str = "\r\n") -> Path:
    path.write_bytes("".join(f"{digest}:{number}{end}" for number, digest in enumerate(sorted(digests), 1)).encode())
    return path


@pytest.mark.parametrize("digest", [sha1, ntlm])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("count", [1, 2, 3, 257])
def test_every_line_of_the_list_is_found_and_nothing_else(tmp_path: Path, digest: Any, end: str, count: int) -> None:
    path = written(tmp_path / "list", [digest(one) for one in LEAKED[:count]], end)
    breached.check(path)
    assert all(breached.contains(path, one) for one in LEAKED[:count])
    assert not any(breached.contains(path, f"never leaked {number}") for number in range(200))


def test_the_digest_of_windows_is_that_of_the_standard() -> None:
    # RFC 1320, appendix A.5
    said = {
        b"": "31d6cfe0d16ae931b73c59d7e0c089c0",
        b"abc": "a448017aaf21d8525fc10ae87aa6729d",
        b"1234567890" * 8: "e33b4ddc9c38f2199c3e7b164fcc0536",
    }
    assert {text: breached.md4(text).hex() for text in said} == said


def test_a_leaked_password_is_refused(tmp_path: Path, settings: Any) -> None:
    settings.BREACHED_PASSWORDS_FILE = written(tmp_path / "list", [sha1(one) for one in LEAKED])
    with pytest.raises(ValidationError, match="break-in elsewhere"):
        validate_password(LEAKED[100])
    validate_password(NEW)


@pytest.mark.parametrize("text", [b"", b"not a list\n", b"\x00" * 1000, b"ABC:1\n"])
def test_a_list_that_is_none_stops_nobody_and_is_logged(
    tmp_path: Path, settings: Any, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "list"
    path.write_bytes(text)
    settings.BREACHED_PASSWORDS_FILE = path
    validate_password(NEW)
    assert "ALARM: BREACHED_PASSWORDS_FILE" in caplog.text
    with pytest.raises(breached.NotAList):
        breached.check(path)


@pytest.mark.parametrize(
    "password", ["pass phrase in plain words", "пароль из многих слов", "x" * 11 + "€", "a" * 128 + "B" * 128]
)
def test_there_are_no_rules_about_kinds_of_letters(password: str) -> None:
    validate_password(password)


def test_a_password_has_an_end(alice: User) -> None:
    with pytest.raises(ValidationError, match="256"):
        validate_password("Ab1 " * 65)


def link_for(user: User) -> tuple[SetPasswordLink, str]:
    return passwords.issue_link(actor=SYSTEM, user=user)


def use(client: Client, secret: str, password: str = NEW) -> Any:
    answer = client.get(reverse("accounts:password-link", args=[secret]))
    assert answer["Location"] == reverse("accounts:set-password")
    return client.post(reverse("accounts:set-password"), {"password1": password, "password2": password})


def test_a_person_chooses_a_password_with_a_link_that_is_good_once(client: Client, alice: User, with_app: Any) -> None:
    elsewhere = Client()
    elsewhere.force_login(alice)
    _link, secret = link_for(alice)
    assert secret not in str(list(SetPasswordLink.objects.values()))
    assert secret not in str(list(AuditEvent.objects.values()))
    assert use(client, secret)["Location"] == reverse("account_login")
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert elsewhere.get("/account/session/").status_code == 302
    # What stands beside the password stays.
    assert sign_in(client, password=NEW)["Location"] == "/account/second-factor/"
    assert not is_signed_in(client)
    assert use(Client(), secret, "yet another sentence").status_code == 404
    assert AuditEvent.objects.filter(action=Action.PASSWORD_CHANGED).get().detail == {"with": "link"}


def test_a_link_ends_with_time_with_a_new_one_and_with_the_account(client: Client, alice: User) -> None:
    _link, first = link_for(alice)
    _link, second = link_for(alice)
    assert use(client, first).status_code == 404
    SetPasswordLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert use(client, second).status_code == 404
    _link, third = link_for(alice)
    User.objects.update(is_active=False)
    assert use(client, third).status_code == 404
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_a_link_takes_no_weak_password(client: Client, alice: User) -> None:
    _link, secret = link_for(alice)
    assert use(client, secret, "short").status_code == 200
    assert use(client, secret, "alice@hospital.example").status_code == 200
    assert use(client, secret).status_code == 302


def test_links_are_not_guessed_at_leisure(client: Client, db: None) -> None:
    answers = [use(client, f"guess-{number}").status_code for number in range(7)]
    assert answers[:5] == [404] * 5
    assert answers[-1] == 429


def test_nobody_chooses_the_password_of_another(client: Client, alice: User) -> None:
    client.force_login(UserFactory.create(username="root", is_staff=True, is_superuser=True))
    with pytest.raises(NoReverseMatch):
        reverse("admin:auth_user_password_change", args=[alice.pk])
    assert client.get(f"/admin/accounts/user/{alice.pk}/password/").status_code in {302, 404}
    form = {
        "username": "alice",
        "password": "x",
        "password1": NEW,
        "usable_password": "true",
        "theme": "dark",
        "is_active": "on",
    }
    lines = {
        f"{line}-{kind}_FORMS": "0"
        for line in ("memberships", "practitioner_identifiers")
        for kind in ("TOTAL", "INITIAL")
    }
    client.post(reverse("admin:accounts_user_change", args=[alice.pk]), {**form, **lines})
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def help_page(user: User) -> str:
    return reverse("admin:accounts_user_sign_in", args=[user.pk])


def test_an_administrator_hands_over_a_link_shown_once(client: Client, alice: User) -> None:
    client.force_login(UserFactory.create(username="root", is_staff=True, is_superuser=True))
    answer = client.post(help_page(alice), {"do": "link"})
    address = next(
        word
        for word in answer.content.decode().replace("<", " ").replace(">", " ").split()
        if "/password/link/" in word
    )
    assert "no-store" in answer["Cache-Control"]
    assert use(Client(), address.rstrip("/").rsplit("/", 1)[1]).status_code == 302
    event = AuditEvent.objects.get(action=Action.PASSWORD_LINK_ISSUED)
    assert (event.actor_name, event.subject_uid) == ("root", str(alice.pk))


def test_an_administrator_takes_lost_factors_away_and_all_sessions_end(
    client: Client, alice: User, with_app: Any
) -> None:
    theirs = Client()
    theirs.force_login(alice)
    client.force_login(UserFactory.create(username="root", is_staff=True, is_superuser=True))
    assert "Authenticator app" in client.get(help_page(alice)).content.decode()
    client.post(help_page(alice), {"do": "factors"})
    assert theirs.get("/account/session/").status_code == 302
    assert sign_in(theirs)["Location"] == "/"
    assert AuditEvent.objects.filter(action=Action.FACTOR_REMOVED).exists()


def test_who_is_no_administrator_does_not_let_themselves_into_one_s_account(client: Client, alice: User) -> None:
    from django.contrib.auth.models import Permission

    helper = UserFactory.create(username="helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    root = UserFactory.create(username="root", is_staff=True, is_superuser=True)
    client.force_login(helper)
    assert client.post(help_page(alice), {"do": "link"}).status_code == 200
    for wanted in ("link", "factors", "sessions"):
        assert client.post(help_page(root), {"do": wanted}).status_code == 403
    assert SetPasswordLink.objects.get().user == alice


def test_the_password_change_is_not_a_place_to_guess(client: Client, alice: User) -> None:
    client.force_login(alice)
    form = {"password1": NEW, "password2": NEW}
    for _attempt in range(5):
        client.post(reverse("account_change_password"), {"oldpassword": "wrong", **form})
    assert (
        b"Too many failed attempts"
        in client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **form}).content
    )
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
