"""The admin's form of a webhook: an address that may not be called is refused while it is typed."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.outbound import selectors as outbound
from accounts.outbound.errors import Refused
from imaging.webhooks.models import Webhook

_WHY = {
    "not_an_address": _("This is not an address that can be called."),
    "not_https": _("Only https is called; http on this machine itself alone."),
    "host_not_listed": _("Its host is not among the outbound hosts. Add it there first."),
}


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    """Machine key, address, what for."""

    class Meta:
        model = Webhook
        fields = ("machine_key", "address", "description")

    def clean_address(self) -> Any:
        """Refuse what the outbound rules refuse."""
        address = self.cleaned_data["address"]
        try:
            outbound.listed(address)
        except Refused as error:
            raise forms.ValidationError(_WHY[error.code]) from error
        return address
