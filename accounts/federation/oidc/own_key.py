"""The portal's own key, with which it proves at a provider that it is the client (RFC 7523; SMART App Launch 2.2, section 5).

It is made from SECRET_KEY, so that every process and server has the same one and none lies in a file. The public part is
published; keys of SECRET_KEY_FALLBACKS are published too, for as long as they are named there.
"""

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

ALGORITHM: Final = "ES384"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Seconds for which a proof is good: SMART allows five minutes at most.
_SECONDS: Final = 120
_INFO: Final = b"accounts.federation: the portal's own key"
#: Order of the group of P-384 (SEC 2, section 2.5.1).
_ORDER: Final = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16
)


def public_keys() -> list[dict[str, Any]]:
    """The public keys as JSON Web Keys, today's first (RFC 7517)."""
    return [_published(_derived(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def client_assertion(client_id: str, *, audience: str) -> str:
    """A signed statement for the token address ``audience`` that we are this client, good once and for two minutes."""
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + _SECONDS,
        "jti": secrets.token_urlsafe(24),
    }
    key = _derived(settings.SECRET_KEY)
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": _published(key)["kid"], "typ": "JWT"})


def _derived(secret: str | bytes) -> ec.EllipticCurvePrivateKey:
    # 64 bytes for a number of 48: the remainder favours none (FIPS 186-5, A.2.1).
    octets = HKDF(algorithm=SHA512(), length=64, salt=None, info=_INFO).derive(force_bytes(secret))
    return ec.derive_private_key(int.from_bytes(octets, "big") % (_ORDER - 1) + 1, ec.SECP384R1())


def _published(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    found: dict[str, Any] = dict(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True))
    # RFC 7638: the name of a key is the digest of what it is.
    whole = json.dumps({name: found[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"), sort_keys=True)
    thumbprint = urlsafe_b64encode(hashlib.sha256(whole.encode()).digest()).rstrip(b"=").decode()
    return {**found, "kid": thumbprint, "use": "sig", "alg": ALGORITHM}
