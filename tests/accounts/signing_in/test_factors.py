"""Second factors: apps, passkeys, recovery codes; what is good once is good once."""

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from accounts.actor import SYSTEM
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import User
from accounts.roles import Role
from accounts.signing_in import recovery_codes, sessions, totp
from tests.accounts.signing_in.conftest import SECRET, SoftwareKey, code, is_signed_in, options, sign_in
from tests.factories.accounts import PASSWORD

pytestmark = pytest.mark.django_db
SECOND = "/account/second-factor/"


def events(action: Action) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("at"))


def test_who_has_an_app_is_asked_for_its_code_after_the_password(client: Client, with_app: Authenticator) -> None:
    assert sign_in(client, next="/help/")["Location"] == SECOND
    assert not is_signed_in(client)
    assert client.get(SECOND).status_code == 200
    answer = client.post(SECOND, {"code": code()})
    assert (answer.status_code, answer["Location"]) == (302, "/help/")
    assert is_signed_in(client)
    assert events(Action.USER_SIGNED_IN)[-1].detail["methods"] == ["password", "totp"]


def test_who_goes_back_begins_anew(client: Client, bob: User, with_app: Authenticator) -> None:
    sign_in(client)
    assert b'name="password"' in client.get(reverse("account_login")).content
    assert client.get(SECOND)["Location"] == reverse("account_login")
    assert sign_in(client, "bob")["Location"] == "/"
    assert client.session["_auth_user_id"] == str(bob.pk)


def test_the_second_step_alone_opens_nothing(client: Client, with_app: Authenticator) -> None:
    assert client.get(SECOND)["Location"] == reverse("account_login")
    assert client.post(SECOND, {"code": code()})["Location"] == reverse("account_login")
    assert not is_signed_in(client)


def test_a_code_is_good_once_whoever_shows_it_again(client: Client, with_app: Authenticator) -> None:
    shown = code()
    sign_in(client)
    client.post(SECOND, {"code": shown})
    assert is_signed_in(client)
    elsewhere = Client(REMOTE_ADDR="10.0.0.9")
    sign_in(elsewhere)
    assert "has been used" in elsewhere.post(SECOND, {"code": shown}).content.decode()
    # Nor is one before it, which would still be within the step that clocks may differ by.
    assert "has been used" in elsewhere.post(SECOND, {"code": code(-1)}).content.decode()
    assert not is_signed_in(elsewhere)
    assert elsewhere.post(SECOND, {"code": code(1)}).status_code == 302
    assert is_signed_in(elsewhere)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_clocks_may_differ_by_one_step(alice: User, with_app: Authenticator, step: int) -> None:
    assert totp.spend(alice, code(step))


@pytest.mark.parametrize("shown", ["", "12345", "1234567", "abcdef", "１２３４５６", "\x00" * 6])
def test_what_is_no_code_is_none(alice: User, with_app: Authenticator, shown: str) -> None:
    assert not totp.spend(alice, shown)


@pytest.mark.parametrize("step", [-2, 2])
def test_and_not_by_two(alice: User, with_app: Authenticator, step: int) -> None:
    assert not totp.spend(alice, code(step))


def test_the_codes_are_those_of_the_standard() -> None:
    # RFC 6238, appendix B: SHA-1, the last six digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [totp.code_at(secret, at // 30) for at in (59, 1111111109, 20000000000)] == ["287082", "081804", "353130"]


def test_the_secret_of_an_app_is_not_readable_in_the_database(with_app: Authenticator) -> None:
    assert SECRET not in json.dumps(list(Authenticator.objects.values("data")))


def enrol(client: Client) -> Any:
    page = client.get(reverse("accounts:add-app")).content.decode()
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found
    secret = found[1].replace(" ", "")
    return client.post(reverse("accounts:add-app"), {"code": totp.code_at(secret, totp_step())})


def totp_step() -> int:
    import time

    return int(time.time()) // 30


def test_an_app_is_set_up_with_a_code_of_it_and_brings_recovery_codes_once(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = enrol(client)
    shown = re.findall(r"<code>([a-z0-9-]{14})</code>", answer.content.decode())
    assert len(set(shown)) == 10
    assert shown[0] not in client.get(reverse("accounts:security")).content.decode()
    stored = json.dumps(list(Authenticator.objects.values("data")))
    assert not any(one.replace("-", "") in stored for one in shown)
    assert [event.detail["factor"] for event in events(Action.FACTOR_ADDED)] == ["totp"]
    assert len(events(Action.RECOVERY_CODES_MADE)) == 1


def test_a_wrong_code_sets_nothing_up(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.get(reverse("accounts:add-app"))
    assert "not right" in client.post(reverse("accounts:add-app"), {"code": "000000"}).content.decode()
    assert not Authenticator.objects.exists()


def test_a_recovery_code_opens_once(client: Client, alice: User, with_app: Authenticator) -> None:
    codes = recovery_codes.make(alice)
    sign_in(client)
    assert client.post(SECOND, {"code": codes[3].upper().replace("-", " ")}).status_code == 302
    assert is_signed_in(client)
    assert recovery_codes.left(alice) == 9
    assert events(Action.RECOVERY_CODE_USED)[0].detail["left"] == 9
    again = Client()
    sign_in(again)
    assert again.post(SECOND, {"code": codes[3]}).status_code == 200
    assert not is_signed_in(again)


def test_new_recovery_codes_end_the_old(alice: User, with_app: Authenticator) -> None:
    old = recovery_codes.make(alice)
    recovery_codes.make(alice)
    assert not recovery_codes.spend(alice, old[0])


def test_the_seals_of_a_key_put_aside_still_open(alice: User, with_app: Authenticator, settings: Any) -> None:
    codes = recovery_codes.make(alice)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, long enough to be one of production's, and more"
    assert totp.spend(alice, code())
    assert recovery_codes.spend(alice, codes[0])
    settings.SECRET_KEY_FALLBACKS = []
    assert not totp.spend(alice, code(1))
    assert not recovery_codes.spend(alice, codes[1])


def show(client: Client, key: SoftwareKey, **more: str) -> Any:
    credential = key.shown(options(client, "sign-in"))
    return client.post(reverse("accounts:passkey-sign-in"), {"credential": credential, **more})


def test_a_passkey_signs_in_without_name_or_password(client: Client, alice: User, passkey: SoftwareKey) -> None:
    assert show(client, passkey, next="/help/")["Location"] == "/help/"
    assert client.session["_auth_user_id"] == str(alice.pk)
    assert events(Action.USER_SIGNED_IN)[-1].detail["methods"] == ["passkey"]


def test_a_passkey_is_a_second_factor_as_well(client: Client, passkey: SoftwareKey) -> None:
    sign_in(client)
    assert client.post(SECOND, {"credential": passkey.shown(options(client, "second"))}).status_code == 302
    assert is_signed_in(client)


def refusals(client: Client, key: SoftwareKey) -> None:
    assert show(client, key)["Location"].startswith(reverse("account_login"))
    assert not is_signed_in(client)


def test_a_passkey_of_another_address_opens_nothing(client: Client, passkey: SoftwareKey) -> None:
    passkey.origin = "http://localhost.evil.example:8000"
    refusals(client, passkey)
    passkey.origin = "http://localhost:9999"
    refusals(client, passkey)


def test_a_key_that_did_not_recognise_its_owner_stands_for_no_password(client: Client, passkey: SoftwareKey) -> None:
    passkey.verified = False
    refusals(client, passkey)


def test_a_copied_key_is_found_out_by_its_counter(client: Client, passkey: SoftwareKey) -> None:
    passkey.counter = 7
    assert show(client, passkey).status_code == 302
    assert is_signed_in(client)
    client.post(reverse("account_logout"))
    refusals(client, passkey)


def test_an_answer_is_good_once_and_for_its_purpose_only(client: Client, passkey: SoftwareKey) -> None:
    answer = passkey.shown(options(client, "sign-in"))
    assert client.post(reverse("accounts:passkey-sign-in"), {"credential": answer}).status_code == 302
    client.post(reverse("account_logout"))
    client.post(reverse("accounts:passkey-sign-in"), {"credential": answer})
    assert not is_signed_in(client)
    sign_in(client)
    answer = passkey.shown(options(client, "sign-in"))
    assert client.post(SECOND, {"credential": answer}).status_code == 200
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", '{"id": 1}', "{" * 5000, '{"rawId": "%%%", "response": {}}', "x" * 30000]
)
def test_an_answer_written_by_hand_is_refused(client: Client, passkey: SoftwareKey, answer: str) -> None:
    options(client, "sign-in")
    assert client.post(reverse("accounts:passkey-sign-in"), {"credential": answer}).status_code == 302
    assert not is_signed_in(client)


def test_nobody_s_passkey_opens_another_s_account(client: Client, bob: User, passkey: SoftwareKey) -> None:
    import base64

    passkey.handle = base64.urlsafe_b64encode(str(bob.pk).encode()).decode().rstrip("=")
    refusals(client, passkey)


def test_an_account_switched_off_is_closed_to_its_passkey(client: Client, passkey: SoftwareKey) -> None:
    User.objects.update(is_active=False)
    assert show(client, passkey)["Location"] == reverse("account_inactive")
    assert not is_signed_in(client)
    assert [event.detail["reason"] for event in events(Action.USER_REFUSED)] == ["account switched off"]


@pytest.mark.parametrize("change", ["password", "sessions", "switched off"])
def test_a_sign_in_begun_before_the_account_changed_goes_no_further(
    client: Client, alice: User, with_app: Authenticator, change: str
) -> None:
    sign_in(client)
    if change == "password":
        alice.set_password("a quite different sentence")
        alice.save()
    elif change == "sessions":
        sessions.end_all(actor=SYSTEM, user=alice, reason="a thief")
    else:
        User.objects.update(is_active=False)
    assert client.post(SECOND, {"code": code()})["Location"] == reverse("account_login")
    assert not is_signed_in(client)
    assert not events(Action.USER_SIGNED_IN)
    assert totp.spend(alice, code()), "and the code is not used up"


def test_the_last_factor_takes_the_recovery_codes_with_it(client: Client, alice: User) -> None:
    client.force_login(alice)
    enrol(client)
    row = Authenticator.objects.get(type="totp")
    client.post(reverse("accounts:remove-factor", args=[row.pk]))
    assert not Authenticator.objects.exists()
    assert len(events(Action.FACTOR_REMOVED)) == 1


def test_a_factor_that_the_role_asks_for_is_not_taken_away(client: Client, alice: User, rules: Any) -> None:
    client.force_login(alice)
    enrol(client)
    rules(mfa_roles=[Role.CLINICIAN])
    row = Authenticator.objects.get(type="totp")
    client.post(reverse("accounts:remove-factor", args=[row.pk]))
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_nobody_touches_the_factors_of_another(client: Client, bob: User, with_app: Authenticator) -> None:
    client.force_login(bob)
    assert client.post(reverse("accounts:remove-factor", args=[with_app.pk])).status_code == 404
    assert client.post(reverse("accounts:rename-passkey", args=[with_app.pk]), {"name": "x"}).status_code == 404
    assert Authenticator.objects.filter(pk=with_app.pk).exists()


def test_where_a_passkey_is_asked_of_the_role_a_code_does_not_do(
    client: Client, alice: User, passkey: SoftwareKey, with_app: Authenticator, rules: Any
) -> None:
    rules(passkey_roles=[Role.CLINICIAN])
    sign_in(client)
    client.post(SECOND, {"code": code()})
    assert not is_signed_in(client)
    client.post(SECOND, {"credential": passkey.shown(options(client, "second"))})
    assert is_signed_in(client)


def test_guessing_codes_waits_and_the_owner_elsewhere_does_not(client: Client, with_app: Authenticator) -> None:
    sign_in(client)
    for _attempt in range(6):
        page = client.post(SECOND, {"code": "000000"}).content.decode()
    assert "Too many failed attempts" in page
    assert "Too many" in client.post(SECOND, {"code": code()}).content.decode()
    alerts = events(Action.SECURITY_ALERTED)
    assert [alert.detail["of"] for alert in alerts] == ["code"]
    owner = Client(REMOTE_ADDR="10.0.0.8")
    sign_in(owner)
    owner.post(SECOND, {"code": code()})
    assert is_signed_in(owner)


def test_many_machines_that_guess_together_are_slowed_and_the_owner_at_a_known_place_is_not(
    client: Client, alice: User
) -> None:
    assert sign_in(client).status_code == 302
    client.post(reverse("account_logout"))
    for number in range(51):
        sign_in(Client(REMOTE_ADDR=f"10.1.0.{number}"), password="wrong")
    assert b"Too many" in sign_in(Client(REMOTE_ADDR="10.2.0.1")).content
    assert sign_in(client).status_code == 302
    assert is_signed_in(client)


def test_who_guesses_at_many_accounts_closes_the_address_to_nobody_who_works_there(client: Client, bob: User) -> None:
    sign_in(client, "bob")
    for number in range(61):
        sign_in(Client(), f"nobody-{number}", "wrong")
    assert b"Too many" in sign_in(Client(), "nobody-62", "wrong").content
    ward = Client()
    sign_in(ward, "bob")
    assert is_signed_in(ward)


def test_one_machine_s_many_addresses_count_as_one(alice: User) -> None:
    for number in range(5):
        sign_in(Client(REMOTE_ADDR=f"2001:db8:1:2::{number}"), password="wrong")
    assert b"Too many" in sign_in(Client(REMOTE_ADDR="2001:db8:1:2:ffff::1")).content
    sign_in(neighbour := Client(REMOTE_ADDR="2001:db8:1:3::1"))
    assert is_signed_in(neighbour)


def test_a_name_in_other_letters_is_the_same_name(alice: User) -> None:
    """The database compares by capital letters: a dotless i, or a long s, has those of any other."""
    for login in ("alice", "ALICE", "al\u0131ce", "Alice", "AL\u0131CE"):
        sign_in(Client(), login, "wrong")
    assert b"Too many" in sign_in(Client()).content
    alert = AuditEvent.objects.get(action=Action.SECURITY_ALERTED)
    assert alert.subject_uid == str(alice.pk)
    refusals = AuditEvent.objects.filter(action=Action.USER_REFUSED, subject_uid=str(alice.pk))
    assert refusals.count() >= 3


def test_a_number_typed_as_a_name_is_nobody_s_key(alice: User) -> None:
    for _attempt in range(6):
        sign_in(Client(), str(alice.pk), "wrong")
    assert AuditEvent.objects.get(action=Action.SECURITY_ALERTED).subject_uid == ""


def test_a_password_longer_than_any_is_refused_unread(client: Client, alice: User) -> None:
    assert sign_in(client, password=PASSWORD + "x" * 300).status_code == 200
    assert not is_signed_in(client)
