"""Sealed emergency accounts: useless while sealed, an alarm when opened, closed by themselves, sealed anew."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import (
    Department,
    FederatedIdentity,
    IdentityProvider,
    Membership,
    SealedAccount,
    SealedOpening,
    SignInPolicy,
    User,
)
from accounts.notifications import mailing
from accounts.roles import Role
from accounts.scope import scope_of_user
from accounts.sealed import services
from accounts.signing_in import factors, totp
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

ENTRANCE = "/account/sealed/"


@pytest.fixture(autouse=True)
def strict(db: None) -> None:
    """A hospital in which everybody needs a passkey for everything: what an envelope is for."""
    roles = [str(role) for role in Role]
    SignInPolicy.objects.create(mfa_roles=roles, passkey_roles=roles, passkey_acts=["break_glass"])


@pytest.fixture
def sealed(emergency: Department) -> services.Sealed:
    """An envelope of the emergency department."""
    return services.seal_new(actor=SYSTEM, name="envelope-1", label="Envelope 1", department=emergency)


@pytest.fixture
def officer(emergency: Department) -> User:
    """A privacy officer."""
    user = UserFactory.create(username="officer")
    MembershipFactory.create(user=user, department=emergency, role=Role.PRIVACY_OFFICER)
    return user


def typed(sealed: services.Sealed, **changes: str) -> dict[str, str]:
    return {
        "account": "envelope-1",
        "code": sealed.code,
        "person": "Dr Anne Petit",
        "reason": "The hospital's sign-in is down",
        **changes,
    }


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("number"))


def test_while_it_is_sealed_nothing_opens_it(sealed: services.Sealed, client: Client, emergency: Department) -> None:
    user = sealed.account.user
    assert not user.is_active
    assert not user.has_usable_password()
    assert scope_of_user(user).is_empty
    assert not Membership.objects.filter(user=user).exists()
    answer = client.post("/account/login/", {"login": "envelope-1", "password": sealed.code})
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    assert sealed.code.replace("-", "") not in json.dumps(list(SealedAccount.objects.values()), default=str)


def test_the_code_opens_it_with_no_passkey_and_raises_the_alarm(
    sealed: services.Sealed, client: Client, officer: User
) -> None:
    answer = client.post(ENTRANCE, typed(sealed, code=sealed.code.lower().replace("-", " ")))
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get("/access/emergency/").status_code == 200, "and breaks the glass without a passkey"
    account = SealedAccount.objects.get()
    (held,) = Membership.objects.filter(user=account.user)
    assert held.valid_until == account.opened_until == scope_of_user(account.user).valid_until
    (opened,) = events("sealed_account.opened")
    assert opened.detail["said_name"] == "Dr Anne Petit"
    assert events("security.alerted")[0].detail["reason"] == "a sealed account was opened"
    assert events("user.signed_in")[0].detail["methods"] == ["sealed"]
    services.follow_up()
    services.follow_up()
    mailing.send_due()
    assert [message.to for message in mail.outbox] == [[officer.email]]
    assert "Dr Anne Petit" in mail.outbox[0].body


def test_other_acts_still_ask_for_a_passkey(sealed: services.Sealed, client: Client) -> None:
    client.post(ENTRANCE, typed(sealed))
    assert client.get("/admin/").status_code in {302, 403}
    assert client.get("/access/emergency/reviews/").status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "00000-00000-00000-00000-00000-00000"},
        {"code": ""},
        {"account": "envelope-2"},
        {"account": "alice"},
        {"person": ""},
        {"person": "x"},
        {"reason": ""},
        {"code": "\x00"},
        {"account": "envelope-1\x00"},
    ],
)
def test_what_does_not_fit_opens_nothing(
    changes: dict[str, str], sealed: services.Sealed, client: Client, alice: User
) -> None:
    assert client.post(ENTRANCE, typed(sealed, **changes)).status_code == 400
    assert "_auth_user_id" not in client.session
    account = SealedAccount.objects.get()
    assert not account.is_spent
    assert not User.objects.get(pk=account.user_id).is_active
    assert not SealedOpening.objects.exists()


def test_the_code_of_one_envelope_does_not_open_another(
    sealed: services.Sealed, client: Client, emergency: Department
) -> None:
    other = services.seal_new(actor=SYSTEM, name="envelope-2", label="Envelope 2", department=emergency)
    assert client.post(ENTRANCE, typed(sealed, code=other.code)).status_code == 400


def test_guessing_is_slowed_down_and_on_record(sealed: services.Sealed, client: Client) -> None:
    wrong = typed(sealed, code="AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-AAAAA")
    assert [client.post(ENTRANCE, wrong).status_code for _attempt in range(6)] == [400] * 5 + [429]
    assert len(events("user.refused")) == 5
    assert events("user.refused")[0].detail["reason"] == "seal"
    assert client.post(ENTRANCE, typed(sealed)).status_code == 302, "and nobody closes an envelope by guessing at it"


def test_when_its_hours_are_over_it_is_closed_and_the_code_is_spent(sealed: services.Sealed, client: Client) -> None:
    client.post(ENTRANCE, typed(sealed))
    past = timezone.now() - timedelta(seconds=1)
    SealedAccount.objects.update(opened_until=past)
    Membership.objects.update(valid_from=past - timedelta(hours=1), valid_until=past)
    account = SealedAccount.objects.get()
    assert scope_of_user(account.user).is_empty or not scope_of_user(account.user).department_rights
    services.follow_up()
    assert client.get("/").status_code == 302, "the session is over"
    assert not User.objects.get(pk=account.user_id).is_active
    assert len(events("sealed_account.closed")) == 1
    assert client.post(ENTRANCE, typed(sealed)).status_code == 400


def test_a_second_computer_may_use_it_while_it_is_open_and_is_on_record(
    sealed: services.Sealed, client: Client
) -> None:
    client.post(ENTRANCE, typed(sealed))
    assert Client().post(ENTRANCE, typed(sealed, person="Nurse Paul Roy")).status_code == 302
    assert Membership.objects.count() == 1
    assert set(SealedOpening.objects.values_list("said_name", flat=True)) == {"Dr Anne Petit", "Nurse Paul Roy"}


def test_it_is_sealed_again_only_with_what_was_found_and_then_ends_at_once(
    sealed: services.Sealed, client: Client
) -> None:
    client.post(ENTRANCE, typed(sealed))
    account = SealedAccount.objects.get()
    with pytest.raises(ValidationError):
        services.seal_again(account, actor=SYSTEM, note="  ")
    again = services.seal_again(account, actor=SYSTEM, note="Used rightly: fire in the computer room.")
    assert client.get("/").status_code == 302
    assert again.code != sealed.code
    assert client.post(ENTRANCE, typed(sealed)).status_code == 400
    assert SealedOpening.objects.get().review_note.startswith("Used rightly")
    assert client.post(ENTRANCE, typed(again)).status_code == 302


def test_what_its_holder_added_opens_nothing_the_next_time(sealed: services.Sealed, client: Client) -> None:
    client.post(ENTRANCE, typed(sealed))
    user = SealedAccount.objects.get().user
    user.set_password("a sentence of the holder's own")
    user.save()
    totp.add(user, totp.new_secret(), 0)
    provider = IdentityProvider.objects.create(name="Hospital", slug="hospital", issuer="https://sso.hospital.example")
    FederatedIdentity.objects.create(provider=provider, issuer=provider.issuer, subject="h-1", user=user)
    again = services.seal_again(SealedAccount.objects.get(), actor=SYSTEM, note="Used rightly.")
    assert Client().post(ENTRANCE, typed(again)).status_code == 302
    user.refresh_from_db()
    assert user.is_active
    assert not user.has_usable_password()
    assert not factors.has_second(user)
    assert not FederatedIdentity.objects.exists()


def test_a_seal_that_is_too_old_opens_nothing_and_is_reminded_of_once(
    sealed: services.Sealed, client: Client, officer: User
) -> None:
    SealedAccount.objects.update(expires_at=timezone.now() + timedelta(days=3))
    services.follow_up()
    services.follow_up()
    mailing.send_due()
    assert [message.subject for message in mail.outbox] == ["The seal of 1 emergency account ends soon"]
    SealedAccount.objects.update(expires_at=timezone.now())
    assert client.post(ENTRANCE, typed(sealed)).status_code == 400


def test_the_command_makes_one_prints_it_once_and_seals_it_again(emergency: Department) -> None:
    def run(*arguments: str) -> dict[str, Any]:
        out = StringIO()
        call_command("seal_account", *arguments, "--json", stdout=out)
        told: dict[str, Any] = json.loads(out.getvalue())
        return told

    first = run("envelope-9", "--department", "emergency", "--place", "safe")
    second = run("envelope-9")
    assert first["account"] == second["account"] == "envelope-9"
    assert first["code"] != second["code"]
    assert first["url"].endswith(ENTRANCE)
    for wrong in (["envelope-10"], ["envelope-10", "--department", "none"], ["envelope-9", "--days", "0"]):
        with pytest.raises(CommandError):
            call_command("seal_account", *wrong, stdout=StringIO())
    UserFactory.create(username="taken")
    with pytest.raises(CommandError):
        call_command("seal_account", "taken", "--department", "emergency", stdout=StringIO())


def test_an_administrator_makes_one_sees_the_paper_once_and_seals_it_again(
    client: Client, emergency: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    SignInPolicy.objects.create(mfa_roles=[], passkey_roles=[], passkey_acts=[])
    administrator = UserFactory.create(username="root", is_staff=True, is_superuser=True)
    client.force_login(administrator)
    address = "/admin/accounts/sealedaccount/"
    values = {"name": "envelope-3", "label": "Envelope 3", "department": emergency.pk, "role": "clinician"}
    paper = client.post(f"{address}add/", {**values, "place": "ward", "open_hours": 4}).content.decode()
    assert "envelope-3" in paper
    assert "For the envelope" in paper
    account = SealedAccount.objects.get()
    assert "For the envelope" not in client.get(f"{address}{account.pk}/change/").content.decode()
    assert "sealed" in client.get(address).content.decode()
    assert client.post(f"{address}add/", {**values, "place": "", "open_hours": 4}).status_code == 200, "taken name"
    assert client.get(f"{address}{account.pk}/seal/").status_code == 200
    again = client.post(f"{address}{account.pk}/seal/", {"note": ""}).content.decode()
    assert "For the envelope" in again
    account.refresh_from_db()
    assert not account.is_spent
