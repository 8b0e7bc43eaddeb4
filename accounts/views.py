"""What a person prefers."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from accounts import services
from accounts.middleware import actor_of
from accounts.models import Theme, User
from accounts.roles import Door
from accounts.signing_in.next_page import next_address

_YEAR: Final = 365 * 24 * 3600


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme: on the account, or in a cookie for somebody not signed in."""
    chosen = request.POST.get("theme", "")
    response = HttpResponseRedirect(next_address(request))
    if chosen not in Theme.values:
        return response
    if isinstance(request.user, User):
        services.set_theme(actor=actor_of(request, Door.PAGE), user=request.user, theme=chosen)
    else:
        response.set_cookie(
            settings.THEME_COOKIE_NAME,
            chosen,
            max_age=_YEAR,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response
