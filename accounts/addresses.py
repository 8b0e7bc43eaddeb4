"""Which address a request really comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def peer_address(request: HttpRequest) -> str:
    """Return the address of the connection itself; empty for a local socket."""
    return str(request.META.get("REMOTE_ADDR") or "")


def client_address(request: HttpRequest) -> str:
    """Return the client's address: the connection's, or what a trusted front server says it is.

    ``X-Forwarded-For`` is read from the right, and only past addresses of ``TRUSTED_PROXIES``:
    what stands further left was written by the client.
    """
    address = peer_address(request)
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR") or "")
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _is_trusted_proxy(address) or not _is_address(hop):
            break
        address = hop
    return address


def is_loopback(request: HttpRequest) -> bool:
    """Whether the request was made on this very machine, by nothing that forwards for others."""
    if request.META.get("HTTP_X_FORWARDED_FOR") or request.META.get("HTTP_FORWARDED"):
        return False
    try:
        return ipaddress.ip_address(peer_address(request)).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted_proxy(address: str) -> bool:
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(
        peer in ipaddress.ip_network(network, strict=False) for network in getattr(settings, "TRUSTED_PROXIES", ())
    )
