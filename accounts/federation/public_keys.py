"""Public keys that somebody pasted, as JSON Web Keys (RFC 7517) or PEM: what signatures are checked with."""

import json
import re
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_MOST: Final = 20
_PEM: Final = re.compile(r"-----BEGIN (PUBLIC KEY|CERTIFICATE)-----.+?-----END \1-----", re.DOTALL)
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
_LEAST_RSA_BITS: Final = 2048


class Unreadable(ValueError):
    """The text holds no key that could be used; the words say why."""


def read(text: str) -> list[dict[str, Any]]:
    """Return the keys of a text as JSON Web Keys. Raises :class:`Unreadable`."""
    found = _of_set(text) if text.lstrip().startswith("{") else _of_pem(text)
    if not found:
        raise Unreadable(_("There is no public key in it: paste a JSON Web Key Set, or PEM."))
    if len(found) > _MOST:
        raise Unreadable(_("There are more than %(most)d keys.") % {"most": _MOST})
    for key in found:
        _check(key)
    return found


def validate_keys(text: str) -> None:
    """Refuse what holds no public key, and what holds a private one."""
    try:
        read(text)
    except Unreadable as error:
        raise ValidationError(str(error)) from error


def _of_set(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_("This is not JSON.")) from error
    keys = found.get("keys", [found] if "kty" in found else [])
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise Unreadable(_("There is no list of keys in it."))
    return keys


def _of_pem(text: str) -> list[dict[str, Any]]:
    if "PRIVATE KEY" in text:
        raise Unreadable(_("This is a private key. It stays with the system that signs; paste the public one."))
    found = []
    for match in _PEM.finditer(text):
        octets = match.group(0).encode()
        try:
            key = (
                load_pem_public_key(octets)
                if match.group(1) == "PUBLIC KEY"
                else load_pem_x509_certificate(octets).public_key()
            )
        except ValueError as error:
            raise Unreadable(_("One of the keys cannot be read.")) from error
        found.append(_as_jwk(key))
    return found


def _as_jwk(key: object) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPublicKey):
        return dict(jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True))
    if isinstance(key, ec.EllipticCurvePublicKey):
        return dict(jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True))
    if isinstance(key, ed25519.Ed25519PublicKey):
        return dict(jwt.algorithms.OKPAlgorithm.to_jwk(key, as_dict=True))
    raise Unreadable(_("One of the keys is of a kind that signs nothing here: RSA, EC and Ed25519 do."))


def _check(key: dict[str, Any]) -> None:
    if _PRIVATE & set(key):
        raise Unreadable(_("This is a private key. It stays with the system that signs; paste the public one."))
    try:
        read_key = jwt.PyJWK(key).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise Unreadable(_("One of the keys cannot be read.")) from error
    if isinstance(read_key, rsa.RSAPublicKey) and read_key.key_size < _LEAST_RSA_BITS:
        raise Unreadable(_("One of the keys is too short: RSA needs 2048 bits."))
