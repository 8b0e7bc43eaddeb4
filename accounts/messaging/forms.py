"""Forms of messages in the admin: texts of the hospital's own, and the gateway for text messages."""

from typing import Any

import phonenumbers
from babel import Locale
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.messaging import gateway_call, kinds, recipients, selectors, services
from accounts.messaging.models import MessageTemplate, SmsBackend, SmsGatewaySettings
from accounts.outbound import selectors as outbound
from accounts.outbound.errors import Refused
from accounts.word_lists import WordsField


class MessageTemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    """A text: for a kind that a feature has, in a language that the portal speaks."""

    kind = forms.ChoiceField(label=_("Kind"))
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = MessageTemplate
        fields = ("kind", "language", "department", "subject", "body")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            offered = [(kind.name, kind.label) for kind in kinds.every()]
            self.fields["kind"].choices = offered  # type: ignore[attr-defined]


class SmsGatewaySettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The gateway. Its secret goes in, and never comes out again."""

    country = forms.ChoiceField(label=_("Country"))
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=1000,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Kept sealed, and never shown again. Left empty, it stays what it is."),
    )
    statuses = WordsField(
        each=gateway_call.validate_status,
        required=False,
        label=_("Statuses of success"),
        help_text=SmsGatewaySettings._meta.get_field("statuses").help_text,
    )

    class Meta:
        model = SmsGatewaySettings
        fields = (
            *("backend", "country", "most_per_day", "sender", "method", "address", "account"),
            *("headers", "body_format", "body", "statuses", "expects"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].help_text = SmsGatewaySettings._meta.get_field("country").help_text
        self.fields["country"].choices = _countries()  # type: ignore[attr-defined]

    def clean_backend(self) -> str:
        """Refuse, outside of a demo, what others read."""
        backend = str(self.cleaned_data["backend"])
        if backend in {SmsBackend.FILE, SmsBackend.CONSOLE} and not settings.DEMO:
            raise ValidationError(_("A file or the log is for a demo alone: codes would lie open there."))
        return backend

    def clean(self) -> dict[str, Any]:
        """Refuse a gateway that the portal may not call."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("backend") == SmsBackend.HTTP and cleaned.get("address"):
            try:
                outbound.listed(cleaned["address"])
            except Refused as error:
                if error.code == "host_not_listed":
                    self.add_error("address", _("Its host is not among the outbound hosts: add it there first."))
                elif error.code == "not_https":
                    self.add_error("address", _("The gateway must be called by https."))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Seal the secret that was typed."""
        if self.cleaned_data.get("secret"):
            services.set_secret(self.instance, self.cleaned_data["secret"])
        return super().save(commit)


def _countries() -> list[tuple[str, str]]:
    """Return the countries whose numbers are known, by their names in the reader's language."""
    names = Locale.parse((get_language() or "en").replace("-", "_")).territories
    found = [(code, str(names.get(code, code))) for code in phonenumbers.SUPPORTED_REGIONS]
    return sorted(found, key=lambda pair: pair[1].casefold())


class TryGatewayForm(forms.Form):
    """To whom a message is sent as a trial."""

    number = forms.CharField(label=_("Mobile number"), max_length=40)

    def clean_number(self) -> str:
        """Read a mobile number."""
        country = selectors.gateway_settings().country
        return recipients.mobile_number(self.cleaned_data["number"], country=country)
