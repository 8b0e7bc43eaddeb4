"""Proving again who is there, before what would hurt most in other hands (step-up).

``@step_up.required(Act.EXPORT)`` stands before a view, or before `dispatch` of a class by `method_decorator`. Whoever has
proved who they are within the policy's minutes (signing in counts) passes and notices nothing. Otherwise:

- a page asked for by GET: sent to the confirmation, and back;
- a form sent by POST: the confirmation is answered in its place and carries what was typed, which is sent on afterwards;
- a part of a page (htmx, fetch) or a JSON client: 403 with the address of the confirmation in ``X-Confirm``. Our pages
  show it as a dialog over what was typed, and repeat the request.

Machines prove who they are with every request, and pass.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.parts import is_part_of_a_page, page_of
from accounts.signing_in import passkeys, policy, proofs, proving
from accounts.signing_in.acts import Act

View = TypeVar("View", bound=Callable[..., Any])

CONFIRM_HEADER: Final = "X-Confirm"
#: What a form may hold to be carried through the confirmation, in characters.
CARRIED: Final = 1_000_000


def is_confirmed(request: HttpRequest, act: Act) -> bool:
    """Whether nothing more is needed for this act now. A stranger has confirmed nothing."""
    if getattr(request, "machine", None) is not None:
        return True
    if not isinstance(request.user, User):
        return False
    rules = policy.in_force()
    if str(act) not in rules.confirmed_acts or (act is Act.BREAK_GLASS and proofs.by_seal(request)):
        return True
    return proofs.is_fresh(request, rules.step_up.total_seconds(), phishing_resistant=policy.needs_passkey(act))


def required(act: Act) -> Callable[[View], View]:
    """Ask for a fresh proof before the view; a stranger goes on to whatever the view does with strangers."""

    def before(view: View) -> View:
        @wraps(view)
        def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(request.user, User) or is_confirmed(request, act):
                return view(request, *args, **kwargs)
            return answer(request, act)

        return cast(View, confirmed)

    return before


def answer(request: HttpRequest, act: Act) -> HttpResponse:
    """Return what somebody gets who has to confirm first."""
    if is_part_of_a_page(request) or not _wants_a_page(request):
        refusal = HttpResponse(
            _("Confirm that it is you, then try again."), status=403, content_type="text/plain; charset=utf-8"
        )
        refusal[CONFIRM_HEADER] = address(act, page_of(request))
        refusal["Cache-Control"] = "no-store"
        return refusal
    if request.method in {"GET", "HEAD"}:
        return redirect(address(act, request.get_full_path()))
    return _carrying(request, act)


def address(act: Act, then: str) -> str:
    """Return where one confirms for an act, and goes on to ``then``."""
    return f"{reverse('accounts:confirm')}?{urlencode({'act': str(act), 'next': then})}"


def asked(user: User, act: Act, *, then: str, errors: Sequence[str] = ()) -> dict[str, object]:
    """Return what the page of the confirmation shows."""
    return {
        "act": act,
        "offer": proving.offered(user, act),
        "errors": errors,
        "purpose": passkeys.Purpose.CONFIRM,
        "action": reverse("accounts:confirm"),
        "next": then,
        "needs_passkey": policy.needs_passkey(act),
    }


def _wants_a_page(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "*/*").split(",")[0].strip().split(";")[0] in {
        "text/html",
        "application/xhtml+xml",
        "*/*",
    }


def _carrying(request: HttpRequest, act: Act) -> HttpResponse:
    """Answer a form with the confirmation, and what was typed inside it: nothing of it is kept on the server."""
    fields = [
        (name, value) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken" for value in values
    ]
    fits = sum(len(name) + len(value) for name, value in fields) <= CARRIED
    held = {
        "action": request.get_full_path(),
        "back": page_of(request),
        "fields": fields if fits else [],
        "is_lost": not fits or bool(request.FILES),
    }
    context = asked(cast(User, request.user), act, then=request.get_full_path())
    page = render(request, "account/confirm.html", {**context, "held": held}, status=403)
    page["Cache-Control"] = "no-store"
    return page
