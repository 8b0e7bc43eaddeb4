"""How often somebody may knock at the doors of single sign-on: counted by address, for they are strangers."""

from django.http import HttpRequest

from accounts.actor import Actor
from accounts.addresses import client_address
from accounts.federation.errors import SignInRefused
from accounts.throttling import spend


def limit(request: HttpRequest, what: str, most: int) -> None:
    """Count a knock. Raises :class:`SignInRefused` past ``most`` in a minute."""
    address = client_address(request)
    allowance = spend(Actor(kind="user", id=address, name="", address=address), what, limit=most)
    if allowance is not None and allowance.wait:
        raise SignInRefused("no_answer", "too many from this address")
