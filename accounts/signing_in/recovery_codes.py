"""Ten codes for the day on which the telephone is lost: shown once, kept as keyed digests, each good once."""

import hmac
import secrets
from typing import Final

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.signing_in import sealing

_COUNT: Final = 10
#: 12 characters of 32: 60 random bits. Without those that are taken for another (0 o, 1 l, i, u).
_ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz" + "01"
_LENGTH: Final = 12
_READ_AS: Final = str.maketrans({"o": "0", "l": "1", "i": "1"})


@transaction.atomic
def make(user: User) -> list[str]:
    """Make ten new codes and return them, this once; those before are worth nothing any more."""
    User.objects.select_for_update().get(pk=user.pk)
    codes = ["".join(secrets.choice(_ALPHABET) for _place in range(_LENGTH)) for _code in range(_COUNT)]
    salt = secrets.token_hex(16)
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.RECOVERY_CODES,
        data={"salt": salt, "digests": [sealing.digests(code, salt=salt)[0] for code in codes]},
    )
    return ["-".join((code[:4], code[4:8], code[8:])) for code in codes]


def left(user: User) -> int:
    """Return how many codes are left."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(row.data["digests"]) if row else 0


@transaction.atomic
def spend(user: User, code: str) -> bool:
    """Take a code; it is gone with that."""
    typed = "".join(letter for letter in code.lower() if letter.isalnum()).translate(_READ_AS)
    if len(typed) != _LENGTH:
        return False
    rows = Authenticator.objects.select_for_update()
    row = rows.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    if row is None:
        return False
    kept: list[str] = row.data["digests"]
    given = sealing.digests(typed, salt=row.data["salt"])
    used = [digest for digest in kept if any(hmac.compare_digest(digest, other) for other in given)]
    if not used:
        return False
    row.data["digests"] = [digest for digest in kept if digest not in used]
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return True
