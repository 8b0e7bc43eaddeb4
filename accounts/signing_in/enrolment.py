"""Who must add a passkey or an authenticator app before anything else."""

import time
from collections import OrderedDict
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.signing_in import factors, policy, proofs
from accounts.signing_in.policy import Need

#: Seconds for which a process keeps that nothing is missing: a role given meanwhile is asked for after them.
_KEPT: Final = 60.0
_MOST: Final = 4096
_complete: OrderedDict[tuple[str, int, int], float] = OrderedDict()


def missing(request: HttpRequest) -> Need:
    """Return what the person of this session must add now; nothing while the days of grace last."""
    user = request.user
    if not isinstance(user, User):
        return Need.NOTHING
    key = (str(request.session.session_key), user.pk, policy.in_force().version)
    if time.monotonic() < _complete.get(key, 0.0):
        return Need.NOTHING
    lacking = asked_of(request, user)
    if lacking is not Need.NOTHING and timezone.now() >= user.date_joined + policy.in_force().grace:
        return lacking
    _complete[key] = time.monotonic() + _KEPT
    while len(_complete) > _MOST:
        _complete.popitem(last=False)
    return Need.NOTHING


def asked_of(request: HttpRequest, user: User) -> Need:
    """Return what the rules ask and the person has not, whatever the days of grace."""
    need = policy.needed_by(user)
    if need is Need.NOTHING or factors.held(user).meets(need) or _vouched_for(request, need):
        return Need.NOTHING
    return need


def _vouched_for(request: HttpRequest, need: Need) -> bool:
    """Whether the house that the person came from has asked for as much (``acr``, ``amr``), or an envelope was opened."""
    if proofs.by_seal(request):
        return True
    shown = proofs.of(request)
    if need is Need.PASSKEY:
        return any(proof.resists_phishing for proof in shown)
    return any(proof.is_strong and proof.method is proofs.Method.FEDERATED for proof in shown)


def forget_all() -> None:
    """Ask again, as a new process does."""
    _complete.clear()
