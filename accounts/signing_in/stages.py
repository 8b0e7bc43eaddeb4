"""The one stage between a right password and a session: the second factor, for who has one."""

from typing import Any, Final

from allauth.account.stages import LoginStage
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.signing_in import factors, proofs

KEY: Final = "second_factor"
_BEGUN_WITH: Final = "begun_with"


class SecondFactorStage(LoginStage):  # type: ignore[misc]
    """Asks for a second factor where the person has one and has not shown any yet."""

    key = KEY
    urlname = "accounts:second-factor"

    def handle(self) -> tuple[HttpResponseRedirect | None, bool]:
        """Return where to go, and whether to go on without."""
        user: Any = self.login.user
        if not isinstance(user, User) or not factors.has_second(user) or proofs.has_second_factor(self.request, user):
            return None, True
        self.state[_BEGUN_WITH] = user.get_session_auth_hash()
        return HttpResponseRedirect(reverse(self.urlname)), True

    def is_over(self) -> bool:
        """Whether the password has been changed, the sessions ended, or the account switched off since the first step."""
        user: Any = self.login.user
        if not isinstance(user, User) or not user.is_active:
            return True
        return not constant_time_compare(str(self.state.get(_BEGUN_WITH, "")), user.get_session_auth_hash())
