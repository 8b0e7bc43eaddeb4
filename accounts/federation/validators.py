"""What an administrator may write into a provider or a rule."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_URN: Final = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:[!-~]+")
MOST_STARS: Final = 3


def is_loopback_host(host: str) -> bool:
    """Whether a host is this very machine by its own name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_secure_address(address: str) -> bool:
    """Whether an address is https; http on this very machine alone, and in a demo only."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment or not address.isascii() or any(ord(c) <= 32 for c in address):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and settings.DEMO and is_loopback_host(host))


def validate_issuer(issuer: str) -> None:
    """Accept an https address without a query, or the URN that a SAML provider may have as its entity ID."""
    if _URN.fullmatch(issuer):
        return
    if not is_secure_address(issuer) or "?" in issuer:
        raise ValidationError(_("Write an https address without a question mark, as the provider publishes it."))


def validate_claim_path(path: str) -> None:
    """Accept the name of a claim, or a way to it with dots."""
    if not path.isprintable() or path != path.strip() or not all(path.split(".")) or path.count(".") > 12:
        raise ValidationError(_("“%(path)s” is not the name of a claim."), params={"path": path})


def validate_pattern(pattern: str) -> None:
    """Accept a text with a few stars; one that would match anything at all is refused."""
    if not pattern.isprintable() or pattern.count("*") > MOST_STARS:
        raise ValidationError(_("Write at most three * in a value."))
    if pattern and not pattern.replace("*", ""):
        raise ValidationError(_("A value of * alone would fit everybody: write more of it."))


def validate_scope(scope: str) -> None:
    """Accept one scope (RFC 6749, section 3.3)."""
    if not _SCOPE.fullmatch(scope):
        raise ValidationError(_("“%(scope)s” is not a scope."), params={"scope": scope})
