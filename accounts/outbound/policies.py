"""Which address may be called: pure rules, asked with what was resolved a moment ago."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from accounts.outbound.errors import Refused

LONGEST: Final = 2000
#: Addresses that stand for others behind a gateway, private ones among them, and site-local ones: Python takes them for public.
_NEVER: Final = tuple(
    map(
        ipaddress.ip_network,
        ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10", "::ffff:0:0:0/96"),
    )
)
#: The oldest way of writing an IPv4 address in IPv6 (RFC 4291, section 2.5.5.1); `::1` in it is the machine itself.
_COMPATIBLE: Final = ipaddress.ip_network("::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """An address in its parts, as far as it could be one of ours to call."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_encrypted(self) -> bool:
        """Whether it is called by https."""
        return self.scheme == "https"


def target_of(address: str) -> Target:
    """Take an address apart. Raises ``Refused`` for anything but plain http(s) without names, passwords and fragments."""
    if len(address) > LONGEST or not address.isascii() or any(ord(char) <= 32 for char in address):
        raise Refused("not_an_address")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise Refused("not_an_address") from error
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in {"https", "http"} or not host or "@" in parts.netloc or parts.fragment or "\\" in address:
        raise Refused("not_an_address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def is_allowed(address: str, *, networks: Sequence[str], encrypted: bool) -> bool:
    """Whether a resolved address may be called: public, or listed; without TLS on loopback alone, and listed."""
    resolved = _resolved(address)
    if resolved is None:
        return False
    listed = _is_listed(resolved, networks)
    if not encrypted:
        return listed and resolved.is_loopback
    return listed or resolved.is_global


def is_within(address: str, networks: Sequence[str]) -> bool:
    """Whether a resolved address is a listed one, for what the hospital's own network carries in the clear."""
    resolved = _resolved(address)
    return resolved is not None and _is_listed(resolved, networks)


def _resolved(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address; None for one that is never called."""
    written = ipaddress.ip_address(address.partition("%")[0])
    # ::ffff:127.0.0.1 is 127.0.0.1, whatever it is written as.
    resolved = getattr(written, "ipv4_mapped", None) or written
    if resolved.is_link_local or resolved.is_multicast or resolved.is_unspecified:
        return None
    if any(resolved in network for network in _NEVER) or (resolved in _COMPATIBLE and not resolved.is_loopback):
        return None
    return resolved


def _is_listed(resolved: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[str]) -> bool:
    return any(resolved in ipaddress.ip_network(network, strict=False) for network in networks)
