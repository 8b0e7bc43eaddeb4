"""What a browser was sent away with, kept in its session until it comes back: used once, and for a short time."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db.models import TextChoices
from django.http import HttpRequest

from accounts.federation.oidc.flow import Question
from accounts.signing_in.middleware import ARRIVING

_KEY: Final = "federation"
#: Sign-ins under way at once in one browser, and seconds for which one may take.
_MOST: Final = 5
SECONDS: Final = 900


class Purpose(TextChoices):
    """What somebody goes to a provider for."""

    SIGN_IN = "sign-in"
    CONFIRM = "confirm"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """One errand: to which provider, what for, for whom (primary key; 0 for a stranger), and where to go on."""

    provider: int
    purpose: str
    user: int
    then: str
    at: float
    nonce: str = ""
    verifier: str = ""

    def question(self, state: str) -> Question:
        """Return what the provider was asked with."""
        return Question(state, self.nonce, self.verifier)


def is_taken_over(request: HttpRequest) -> bool:
    """Whether users were switched on this computer: the provider may still know the one before, and has to ask."""
    return ARRIVING in request.session


def keep(request: HttpRequest, state: str, begun: Begun) -> None:
    """Keep an errand; of more than a few the oldest is forgotten."""
    kept = _kept(request)
    kept[state] = asdict(begun)
    newest = sorted(kept.items(), key=lambda entry: entry[1]["at"])[-_MOST:]
    request.session[_KEY] = dict(newest)


def take(request: HttpRequest, state: str, *, provider: int) -> Begun | None:
    """Return the errand of this answer and forget it; None for one that is unknown, over, or of another provider."""
    kept = _kept(request)
    found = kept.pop(state, None)
    if found is None:
        return None
    request.session[_KEY] = kept
    begun = Begun(**found)
    return begun if begun.provider == provider and time.time() - begun.at < SECONDS else None


def _kept(request: HttpRequest) -> dict[str, Any]:
    kept = request.session.get(_KEY)
    return dict(kept) if isinstance(kept, dict) else {}
