"""How often somebody may be wrong: counted by account *and* address, so that nobody can lock a colleague out.

Three limits. Five failures of one account at one address in five minutes (who guesses waits; the owner elsewhere does not).
Sixty failures of one address in a minute, whatever the accounts; and fifty failures of one account in an hour, whatever
the addresses. The last two stop no account where it signed in within a month: a whole ward may share an address, and
whoever guesses there closes it to nobody who works there. An address of IPv6 is counted by its network of 64 bits,
of which one machine has as many addresses as it likes. Crossing a limit is a security alert. Without the cache nobody is
counted: people must get to their patients, and the log says so.
"""

import hashlib
import ipaddress
import logging
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache
from django.db.models import TextChoices
from django.http import HttpRequest

from accounts import audit, selectors
from accounts.actor import ANONYMOUS, Actor
from accounts.addresses import client_address
from accounts.audit import Action, Outcome
from accounts.roles import Door

log = logging.getLogger(__name__)


class Kind(TextChoices):
    """What was tried."""

    PASSWORD = "password"  # noqa: S105
    CODE = "code"
    CONFIRMATION = "confirmation"
    LINK = "link"


class TooMany(Exception):
    """Too many failures: wait."""


@dataclass(frozen=True, slots=True)
class _Limit:
    name: str
    most: int
    seconds: int


_HERE: Final = _Limit("account and address", 5, 300)
_ADDRESS: Final = _Limit("address", 60, 60)
_ACCOUNT: Final = _Limit("account", 50, 3600)
_KNOWN_SECONDS: Final = 30 * 24 * 3600


def spend(request: HttpRequest, kind: Kind, account: str) -> None:
    """Count an attempt before it is judged, so that attempts made at once are all counted. Raises :class:`TooMany`.

    ``account`` is the account's key, or what was typed as its name.
    """
    address = _place(request)
    for limit, name in _limits(kind, account, address):
        try:
            cache.add(name, 0, timeout=limit.seconds)
            count = int(cache.incr(name))
        except ValueError:  # it ran out between the two: the first of a new window
            continue
        except Exception as error:  # noqa: BLE001  # whatever the cache's client raises
            log.critical(
                "ALARM: the cache does not answer (%s); failed sign-ins are not counted.", type(error).__name__
            )
            return
        if count > limit.most:
            if count == limit.most + 1:
                _alert(kind, account, client_address(request), limit)
            raise TooMany


def succeeded(request: HttpRequest, kind: Kind, account: str) -> None:
    """Give back what :func:`spend` counted, and forget the failures of this account at this address."""
    address = _place(request)
    try:
        for limit, name in _limits(kind, account, address):
            if limit is _HERE:
                cache.delete(name)
            elif cache.get(name):
                cache.decr(name)
    except Exception as error:  # noqa: BLE001  # as above
        log.warning("The cache does not answer (%s).", type(error).__name__)


def remember(request: HttpRequest, *accounts: str) -> None:
    """Keep that these names of an account have signed in from this address."""
    try:
        for account in accounts:
            if account:
                cache.set(_known(account, _place(request)), 1, timeout=_KNOWN_SECONDS)
    except Exception as error:  # noqa: BLE001  # as above
        log.warning("The cache does not answer (%s).", type(error).__name__)


def _limits(kind: Kind, account: str, address: str) -> list[tuple[_Limit, str]]:
    here = (_HERE, _name(kind, "here", _folded(account), address))
    try:
        is_known = cache.get(_known(account, address)) is not None
    except Exception:  # noqa: BLE001  # the first count says that the cache is away
        is_known = True
    if is_known:
        return [here]
    return [(_ADDRESS, _name(kind, "address", address)), here, (_ACCOUNT, _name(kind, "account", _folded(account)))]


def _known(account: str, address: str) -> str:
    return _name("known", _folded(account), address)


def _folded(account: str) -> str:
    """A name as the database compares it: by capital letters, of which a dotless i has the same as any."""
    return account.upper().casefold()


def _place(request: HttpRequest) -> str:
    """The address that is counted: all of IPv4, and of IPv6 the network that one subscriber is given."""
    address = client_address(request)
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv4Address):
        return address
    return str(read.ipv4_mapped or ipaddress.IPv6Network((int(read), 64), strict=False))


def _name(*parts: str) -> str:
    """A key of the cache: what was typed is hostile, and may be a password."""
    return "sign-in:" + hashlib.sha256("\x00".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()


def _alert(kind: Kind, account: str, address: str, limit: _Limit) -> None:
    actor = Actor(kind="user", id="", name=ANONYMOUS.name, address=address, door=Door.PAGE)
    if kind is Kind.PASSWORD:
        # A number that was typed is a name like any other, and nobody's primary key.
        user = selectors.person_called(account)
        account = str(user.pk) if user else ""
    audit.record(
        Action.SECURITY_ALERTED,
        actor=actor,
        subject_type="user",
        subject_uid=account if account.isdigit() else "",
        outcome=Outcome.REFUSED,
        detail={"reason": "too many failures", "of": str(kind), "limit": limit.name},
    )
