"""What every request of a person passes: the clocks of the session, and what must be enrolled before anything else."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts import machines
from accounts.models import User
from accounts.parts import is_part_of_a_page
from accounts.roles import Door
from accounts.signing_in import enrolment, sessions
from accounts.signing_in.policy import Need

GetResponse = Callable[[HttpRequest], HttpResponseBase]

#: Where the page lies that was open before users were switched: shown to the next one if it is theirs to see.
ARRIVING: Final = "arriving"
#: What stays open while something must be enrolled: nothing clinical lies there.
_OPEN: Final = ("/account/", "/language/", "/health/")


class SessionLimitsMiddleware:
    """Ends sessions that are idle or too old, and counts what people do. A machine's request is none of a session."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Check the clocks, answer."""
        if not _is_of_a_session(request) or not isinstance(request.user, User):
            return self.get_response(request)
        reason = sessions.limit_reached(request)
        if reason:
            sessions.expire(request, reason)
        elif sessions.is_activity(request):
            sessions.note_activity(request)
        return _arrived(request, self.get_response(request))


class EnrolmentMiddleware:
    """Leads who must add a factor to where it is added, and shows nothing else before."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or lead to the enrolment."""
        if request.path_info.startswith(_OPEN) or not _is_of_a_session(request):
            return self.get_response(request)
        if not isinstance(request.user, User) or enrolment.missing(request) is Need.NOTHING:
            return self.get_response(request)
        if machines.door_of(request.path_info) is Door.PAGE and not is_part_of_a_page(request):
            wanted = request.get_full_path() if request.method == "GET" else "/"
            return HttpResponseRedirect(f"{reverse('accounts:enrol')}?{urlencode({'next': wanted})}")
        response = HttpResponse(
            _("Add a passkey or an authenticator app to your account first."),
            status=403,
            content_type="text/plain; charset=utf-8",
        )
        response["Cache-Control"] = "no-store"
        return response


def _is_of_a_session(request: HttpRequest) -> bool:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    return machines.door_of(request.path_info) is Door.PAGE or "HTTP_AUTHORIZATION" not in request.META


def _arrived(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Lead to the first page who took over a computer on which a page was open that is not theirs to see."""
    # Django REST framework leaves no user at all behind a refusal.
    is_signed_in = request.user is not None and request.user.is_authenticated
    wanted = request.session.get(ARRIVING) if is_signed_in else None
    if wanted is None or request.get_full_path() != wanted:
        return response
    del request.session[ARRIVING]
    if response.status_code not in {403, 404}:
        return response
    messages.info(request, _("The page that was open here is not among those that you may see."))
    return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL)
