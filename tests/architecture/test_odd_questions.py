"""Whatever is written into an address or a form, no page breaks: numbers without end, halves of characters, NUL, markup.

A page that breaks tells an attacker where to go on, and a person nothing. Names of parameters are read from the source.
"""

import ast
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils.http import urlencode

from accounts.models import Department, SignInPolicy, User
from accounts.roles import Role
from tests.architecture.test_every_answer_has_its_headers import VALUES
from tests.architecture.test_every_url_is_scoped import routes
from tests.architecture.written_fields import of_forms, of_views
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
#: No end in sight, below nothing, no number, NUL, half a character, another writing of a digit, the ends of the calendar, a list.
VALUES_SENT = ("9" * 40, "-1", "\x00", b"\xed\xa0\x80", "²", "nan", "0001-01-01", "9999-12-31", "[]", "x" * 40)
#: They end the session of who asks, or answer for as long as somebody listens.
LEFT_OUT = re.compile(r"/account/(?:logout|session|switch)/|/admin/logout/|/admin/jsi18n/|/events")


@pytest.fixture
def everybody(emergency: Department) -> User:
    """Somebody with every role and every right in the administration, so that every page goes on to read what was asked."""
    SignInPolicy.objects.create(mfa_roles=[], passkey_roles=[], passkey_acts=[], confirmed_acts=[])
    user = UserFactory.create(username="everybody", is_staff=True, is_superuser=True)
    for role in Role:
        MembershipFactory.create(user=user, department=emergency, role=role)
    return user


@pytest.fixture
def asking(everybody: User) -> Client:
    """Their browser, which is told of a page that breaks."""
    client = Client(raise_request_exception=False)
    client.force_login(everybody)
    return client


def addresses(number: str) -> list[str]:
    """An address of every route, with ``number`` where it wants a number."""
    values = {**VALUES, "int": number}
    found = set()
    for path, _name in routes(get_resolver()):
        if not path.startswith("^") and "(?P" not in path:
            found.add("/" + re.sub(r"<(?:(\w+):)?\w+>", lambda part: values.get(part[1] or "str", "1"), path))
    return sorted(address for address in found if not LEFT_OUT.search(address))


def names_asked() -> list[str]:
    """Every name that some page takes out of ``request.GET``, by hand or by a form."""
    found = {name for names in of_forms().values() for name in names}
    for package in ("accounts", "imaging"):
        for path in (ROOT / package).rglob("*.py"):
            found |= set(_asked(ast.parse(path.read_text())))
    return sorted(found)


def _asked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"get", "getlist"}:
            source, first = node.func.value, (node.args or [None])[0]
            if isinstance(source, ast.Attribute) and source.attr == "GET" and isinstance(first, ast.Constant):
                yield str(first.value)


def _broken(answer: Any, *about: object) -> list[object]:
    """What was asked, where a page broke; a part that is away (503) says so itself."""
    return [] if answer.status_code < 500 or answer.status_code == 503 else [(answer.status_code, *about)]


def _of_its_own(address: str, values: tuple[str | bytes, ...], count: int) -> list[str | bytes]:
    """Some of ``values`` for an address, others for the next: every value meets pages of every kind, at a fraction of the time."""
    first = zlib.crc32(address.encode())
    return [values[(first + step) % len(values)] for step in range(count)]


def test_a_number_without_end_in_an_address_is_a_number_of_nothing(asking: Client) -> None:
    broken = []
    for number in ("9" * 40, str(2**63), "0"):
        for address in set(addresses(number)) - set(addresses("1")):
            broken += _broken(asking.get(address), "GET", address)
            broken += _broken(asking.post(address), "POST", address)
    assert not broken


def test_what_no_page_asks_for_breaks_none(asking: Client) -> None:
    names = names_asked()
    assert {"q", "cursor", "order", "state"} <= set(names)
    broken = []
    for address in addresses("1"):
        for value in _of_its_own(address, VALUES_SENT, 2):
            broken += _broken(asking.get(address, dict.fromkeys(names, value)), address, value)
    assert not broken


def test_what_no_form_has_breaks_none(asking: Client) -> None:
    taken = {name for names in (*of_forms().values(), *of_views().values()) for name in names if name != "*"}
    broken = []
    for address in addresses("1"):
        for value in _of_its_own(address, VALUES_SENT[:6], 2):
            sent = urlencode(dict.fromkeys(sorted(taken), value))
            answer = asking.post(address, sent, content_type="application/x-www-form-urlencoded")
            broken += _broken(answer, address, value)
    assert not broken


@pytest.mark.parametrize("word", ["9999", "nowhere", "javascript:alert(1)", "//evil.example", "/\\\\evil.example", "²"])
def test_where_to_go_on_is_an_address_of_ours(asking: Client, word: str) -> None:
    answer = asking.post("/account/passkeys/sign-in/", {"next": word})
    assert (answer.status_code, answer["Location"]) == (302, "/")
