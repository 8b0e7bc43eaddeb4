"""Forms of providers in the admin."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.federation import services
from accounts.federation.models import ClientAuthentication, Protocol
from accounts.models import IdentityProvider
from accounts.word_lists import WordsField

_WORDS = (
    "scopes",
    "acr_mfa",
    "amr_mfa",
    "acr_phishing_resistant",
    "amr_phishing_resistant",
    "acr_step_up",
)


class IdentityProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """A provider. Its secret goes in, and never comes out again."""

    secret = forms.CharField(
        label=_("Client secret"),
        required=False,
        max_length=1000,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Kept sealed, and never shown again. Left empty, it stays what it is."),
    )

    class Meta:
        model = IdentityProvider
        fields = (
            "name",
            "slug",
            "protocol",
            "is_active",
            "label",
            "label_fr",
            "position",
            "issuer",
            "client_id",
            "client_authentication",
            "scopes",
            "reads_userinfo",
            "saml_metadata",
            "signing_keys",
            "admits",
            "subject_is_username",
            "required_claim",
            "required_value",
            *_WORDS[1:],
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in _WORDS:
            if name in self.fields:
                old = self.fields[name]
                self.fields[name] = WordsField(label=old.label, help_text=old.help_text, required=False)

    def clean(self) -> dict[str, Any]:
        """Ask for what the protocol needs."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        protocol = cleaned.get("protocol")
        if protocol == Protocol.LDAP:
            cleaned["issuer"] = ""
        elif not cleaned.get("issuer") and "issuer" not in self.errors:
            self.add_error("issuer", _("Write the issuer."))
        if protocol == Protocol.OIDC:
            self._check_oidc(cleaned)
        if protocol == Protocol.SAML and not cleaned.get("saml_metadata"):
            self.add_error("saml_metadata", _("Paste the metadata that the provider publishes."))
        if protocol == Protocol.SIGNED and not cleaned.get("signing_keys") and "signing_keys" not in self.errors:
            self.add_error("signing_keys", _("Paste the public key with which launches are signed."))
        if protocol != Protocol.SIGNED and cleaned.get("subject_is_username"):
            self.add_error("subject_is_username", _("This is of use with signed launches alone."))
        if cleaned.get("required_claim") and not cleaned.get("required_value"):
            self.add_error("required_value", _("Write the value that the claim must have."))
        return cleaned

    def _check_oidc(self, cleaned: dict[str, Any]) -> None:
        if str(cleaned.get("issuer", "")).startswith("urn:"):
            self.add_error("issuer", _("Write an https address: a provider of OpenID Connect is found under it."))
        if not cleaned.get("client_id"):
            self.add_error("client_id", _("Write the client ID that the provider gave."))
        needed = cleaned.get("client_authentication") in {ClientAuthentication.BASIC, ClientAuthentication.POST}
        if needed and not cleaned.get("secret") and not self.instance.sealed_secret:
            self.add_error("secret", _("Write the secret that the provider gave."))

    def save(self, commit: bool = True) -> Any:
        """Seal the secret that was typed."""
        if self.cleaned_data.get("secret"):
            services.set_secret(self.instance, self.cleaned_data["secret"])
        return super().save(commit)


class ClaimsForm(forms.Form):
    """Claims of somebody, pasted to see what they would get."""

    claims = forms.CharField(
        label=_("Claims (JSON)"),
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 14, "cols": 80, "spellcheck": "false"}),
    )

    def clean_claims(self) -> dict[str, Any]:
        """Read a JSON object."""
        try:
            found = json.loads(self.cleaned_data["claims"])
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is not JSON: copy the claims as the provider shows them.")) from error
        if not isinstance(found, dict):
            raise forms.ValidationError(_("Write an object: { … } with the names and values of the claims."))
        return found
