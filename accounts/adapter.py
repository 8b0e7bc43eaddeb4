"""What our sign-in does otherwise than allauth's own."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from accounts.addresses import client_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by administrators, and a stranger's failures close no colleague's account."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return no: nobody signs up."""
        return False

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Return to the sign-in page."""
        return reverse("account_login")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that limits are counted by: past trusted front servers only."""
        return client_address(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failures by account *and* address: from elsewhere the account's owner still gets in."""
        account = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account}:{client_address(request)}"
