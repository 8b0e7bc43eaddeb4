"""Signing in and out, the password, the language and the light."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import SetupLink, User
from tests.factories.accounts import PASSWORD, SiteFactory, UserFactory

pytestmark = pytest.mark.django_db
NEW = "a quite different sentence"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def sign_in(client: Client, login: str = "alice", password: str = PASSWORD, **more: Any) -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password, **more})


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("at", "id").values_list("action", flat=True))


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_person_signs_in_by_name_and_out_again(client: Client, alice: User) -> None:
    response = sign_in(client)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert is_signed_in(client)
    response = client.post(reverse("account_logout"))
    assert not is_signed_in(client)
    assert actions()[-2:] == [Action.USER_SIGNED_IN, Action.USER_SIGNED_OUT]
    event = AuditEvent.objects.filter(action=Action.USER_SIGNED_IN).get()
    assert (event.actor_id, event.address) == (str(alice.pk), "127.0.0.1")


def test_a_person_signs_in_by_e_mail_address(client: Client, alice: User) -> None:
    assert sign_in(client, "Alice@hospital.example").status_code == 302
    assert is_signed_in(client)


def test_nobody_is_signed_out_by_a_link(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get(reverse("account_logout")).status_code == 200
    assert is_signed_in(client)


def test_a_wrong_password_is_audited_and_says_not_what_was_wrong(client: Client, alice: User) -> None:
    known = sign_in(client, "alice", "wrong").content.decode()
    unknown = sign_in(client, "nobody", "wrong").content.decode()
    assert "do not go together" in known
    assert "do not go together" in unknown
    events = list(AuditEvent.objects.filter(action=Action.USER_REFUSED).order_by("at"))
    assert [event.subject_uid for event in events] == [str(alice.pk), ""]
    assert {event.outcome for event in events} == {"refused"}


def test_a_password_typed_as_a_name_is_not_kept(client: Client, alice: User) -> None:
    sign_in(client, PASSWORD, "alice")
    assert PASSWORD not in str(list(AuditEvent.objects.values()))


def test_hostile_text_in_the_form_is_answered_as_any_other(client: Client) -> None:
    response = sign_in(client, "<script>alert(1)</script>", "x\x00y")
    assert response.status_code == 200
    assert b"<script>alert" not in response.content


def test_after_five_failures_an_account_is_closed_to_that_address_only(client: Client, alice: User) -> None:
    for _attempt in range(5):
        sign_in(client, password="wrong")
    assert b"Too many failed attempts" in sign_in(client).content
    assert not is_signed_in(client)
    elsewhere = Client(REMOTE_ADDR="10.0.0.8")
    sign_in(elsewhere)
    assert is_signed_in(elsewhere)


def test_an_account_switched_off_cannot_sign_in(client: Client, alice: User) -> None:
    User.objects.update(is_active=False)
    response = sign_in(client)
    assert response["Location"] == reverse("account_inactive")
    assert not is_signed_in(client)
    assert client.get(response["Location"]).status_code == 200


def test_an_account_switched_off_is_out_at_once(client: Client, alice: User) -> None:
    client.force_login(alice)
    User.objects.update(is_active=False)
    assert client.get(reverse("account_change_password")).status_code == 302


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "/\\evil.example",
        "https:evil.example",
        "http://testserver@evil.example/",
    ],
)
def test_nobody_is_sent_to_another_house(client: Client, alice: User, wanted: str) -> None:
    assert sign_in(client, next=wanted)["Location"] == "/"
    assert client.post(reverse("account_logout"), {"next": wanted})["Location"] == reverse("account_login")
    assert client.post(reverse("accounts:theme"), {"theme": "light", "next": wanted})["Location"] == "/"


def test_one_goes_on_to_where_one_wanted(client: Client, alice: User) -> None:
    assert sign_in(client, next="/studies/1.2.3/")["Location"] == "/studies/1.2.3/"


def test_signing_in_changes_the_session_s_key(client: Client, alice: User, settings: Any) -> None:
    client.get(reverse("account_login"))
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = before
    sign_in(client)
    assert client.session.session_key != before


def test_forms_are_guarded_against_forgery(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict).status_code == 403


def test_nobody_signs_up_and_what_is_off_has_no_address() -> None:
    for name in (
        "account_signup",
        "account_email",
        "mfa_index",
        "usersessions_list",
        "socialaccount_connections",
        "account_reset_password",
    ):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_a_person_changes_the_password_and_other_sessions_end(client: Client, alice: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(alice)
    client.force_login(alice)
    response = client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    )
    assert (response.status_code, response["Location"]) == (302, "/")
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert client.get(reverse("account_change_password")).status_code == 200
    assert elsewhere.get(reverse("account_change_password")).status_code == 302
    assert Action.PASSWORD_CHANGED in actions()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"oldpassword": "wrong"}, "not your present password"),
        ({"password1": "short", "password2": "short"}, "at least 12"),
        ({"password1": "1q2w3e4r5t6y", "password2": "1q2w3e4r5t6y"}, "too common"),
        ({"password2": "something else entirely"}, "two passwords differ"),
    ],
)
def test_a_password_change_says_what_is_wrong(
    client: Client, alice: User, change: dict[str, str], complaint: str
) -> None:
    client.force_login(alice)
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW, **change}
    response = client.post(reverse("account_change_password"), form)
    assert response.status_code == 200
    assert complaint in response.content.decode()
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", ["account_login", "account_logout", "account_change_password", "account_inactive"])
def test_every_page_is_whole_in_both_languages(client: Client, alice: User, name: str, language: str) -> None:
    alice.language = language
    alice.save()
    if name != "account_login":
        client.force_login(alice)
    response = client.get(reverse(name), HTTP_ACCEPT_LANGUAGE=language)
    page = response.content.decode()
    assert response.status_code == 200
    assert f'<html lang="{language}"' in page
    assert " style=" not in page
    assert "<script>" not in page


def test_the_sign_in_page_names_the_hospital(client: Client) -> None:
    SiteFactory.create(name="Hôpital Saint-Luc <1>")
    assert "Hôpital Saint-Luc &lt;1&gt;" in client.get(reverse("account_login")).content.decode()


def test_only_a_demo_lists_its_accounts(client: Client, alice: User, settings: Any) -> None:
    settings.DEMO = False
    page = client.get(reverse("account_login"), {"as": "alice"}).content.decode()
    assert "alice" not in page.replace("?as=alice", "")
    settings.DEMO = True
    page = client.get(reverse("account_login"), {"as": "alice"}).content.decode()
    assert 'value="alice"' in page
    page = client.get(reverse("account_login"), {"as": '"><script>'}).content.decode()
    assert "<script>" not in page


def test_a_person_s_theme_is_kept_on_the_account(client: Client, alice: User) -> None:
    client.force_login(alice)
    response = client.post(reverse("accounts:theme"), {"theme": "light", "next": "/studies/"})
    assert response["Location"] == "/studies/"
    alice.refresh_from_db()
    assert alice.theme == "light"
    assert 'data-theme="light"' in client.get(reverse("account_change_password")).content.decode()
    client.post(reverse("accounts:theme"), {"theme": "purple"})
    alice.refresh_from_db()
    assert alice.theme == "light"
    assert client.get(reverse("accounts:theme")).status_code == 405


def test_a_stranger_s_theme_is_kept_in_a_cookie(client: Client) -> None:
    client.post(reverse("accounts:theme"), {"theme": "system"})
    assert 'data-theme="system"' in client.get(reverse("account_login")).content.decode()


def test_a_language_chosen_is_kept_on_the_account(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.post(reverse("set_language"), {"language": "fr", "next": "/"})
    alice.refresh_from_db()
    assert alice.language == "fr"
    again = Client(HTTP_ACCEPT_LANGUAGE="en")
    again.force_login(alice)
    assert '<html lang="fr"' in again.get(reverse("account_change_password")).content.decode()
    client.post(reverse("set_language"), {"language": "xx"})
    alice.refresh_from_db()
    assert alice.language == "fr"
    translation.activate("en")


def make_link(capsys: pytest.CaptureFixture[str]) -> str:
    from django.core.management import call_command

    call_command("setup")
    return next(word for word in capsys.readouterr().out.split() if word.startswith("http"))


def use_link(client: Client, link: str, **change: str) -> Any:
    path = "/" + link.split("/", 3)[3]
    client.get(path)
    form = {"username": "root", "email": "root@hospital.example", "password1": NEW, "password2": NEW, **change}
    return client.post(reverse("accounts:setup"), form)


def test_the_first_administrator_comes_by_a_link_that_is_good_once(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    link = make_link(capsys)
    secret = link.rstrip("/").rsplit("/", 1)[1]
    assert secret not in str(SetupLink.objects.values())
    first = client.get("/" + link.split("/", 3)[3])
    assert first["Location"] == reverse("accounts:setup")
    assert use_link(client, link)["Location"] == f"{reverse('account_login')}?next={reverse('accounts:enrol')}"
    administrator = User.objects.get()
    assert administrator.is_superuser
    assert administrator.check_password(NEW)
    assert Action.USER_CREATED in actions()
    assert use_link(Client(), link, username="second").status_code == 404
    assert User.objects.count() == 1


def test_a_link_expires_and_a_new_one_ends_it(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = make_link(capsys), make_link(capsys)
    assert use_link(client, old).status_code == 404
    SetupLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert use_link(client, new).status_code == 404
    assert client.get(reverse("accounts:setup")).status_code == 404
    assert not User.objects.exists()


def test_the_first_administrator_gets_no_weak_password(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    link = make_link(capsys)
    assert use_link(client, link, password1="short", password2="short").status_code == 200
    assert use_link(client, link, password2="another sentence").status_code == 200
    assert not User.objects.exists()
    assert use_link(client, link).status_code == 302


def test_there_is_no_link_once_an_administrator_exists(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import CommandError, call_command

    UserFactory.create(is_superuser=True)
    with pytest.raises(CommandError, match="exists already"):
        call_command("setup", "--json")
