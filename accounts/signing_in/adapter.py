"""What our sign-in does otherwise than allauth's own."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.addresses import client_address
from accounts.models import User
from accounts.signing_in import attempts, passwords
from accounts.signing_in.attempts import Kind

_NO_MATCH = _("This account and this password do not go together. Check both, then try again.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by administrators, and a stranger's failures close no colleague's account."""

    #: One sentence whatever was wrong: an account's name is nobody's to find out.
    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _NO_MATCH,
        "email_password_mismatch": _NO_MATCH,
        "too_many_login_attempts": _("Too many failed attempts. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return no: nobody signs up."""
        return False

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Return to the sign-in page."""
        return reverse("account_login")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address as the list of sessions keeps it: past trusted front servers only."""
        return client_address(request) or "::"

    def get_login_stages(self) -> list[str]:
        """Return what lies between a right password and a session."""
        return ["accounts.signing_in.stages.SecondFactorStage"]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt before it is judged."""
        try:
            attempts.spend(request, Kind.PASSWORD, _typed(credentials))
        except attempts.TooMany:
            raise self.validation_error("too_many_login_attempts") from None

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Return whose name and password these are; None where they are nobody's."""
        if len(credentials.get("password") or "") > passwords.LONGEST:
            self.pre_authenticate(request, **credentials)
            return None
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if isinstance(user, User):
            attempts.succeeded(request, Kind.PASSWORD, _typed(credentials))
            attempts.remember(request, _typed(credentials), str(user.pk))
        return user


def _typed(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email") or credentials.get("username") or "")
