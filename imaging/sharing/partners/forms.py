"""What an administrator writes about a partner, and what somebody who sends chooses."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.outbound import selectors as outbound
from accounts.outbound.errors import Refused
from accounts.word_lists import WordsField
from imaging.dicom import uids
from imaging.sharing.making.policies import What, Wish
from imaging.sharing.models import Partner
from imaging.sharing.models.choices import Purpose
from imaging.sharing.partners import credentials

_WHY = {
    "not_an_address": _("This is not an address that can be called."),
    "not_https": _("Only https is called; http on this machine itself alone."),
    "host_not_listed": _("Its host is not among the outbound hosts. Add it there first."),
}


def _transfer_syntax(text: str) -> None:
    if not uids.is_valid_uid(text):
        raise ValidationError(_("Write transfer syntaxes by their UIDs, one a line."))


class PartnerForm(forms.ModelForm):  # type: ignore[type-arg]
    """A partner. Its secret goes in, and never comes out again."""

    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=4000,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Token or password. Kept sealed, and never shown again. Left empty, it stays what it is."),
    )
    transfer_syntaxes = WordsField(
        each=_transfer_syntax,
        required=False,
        label=_("Transfer syntaxes"),
        help_text=Partner._meta.get_field("transfer_syntaxes").help_text,
    )

    class Meta:
        model = Partner
        fields = (
            *("name", "kind", "is_active", "departments", "address", "auth", "account"),
            *("device", "uses_tls", "certificates", "transfer_syntaxes", "tries_hours"),
        )

    def clean_address(self) -> str:
        """Refuse what the outbound rules refuse, and what nothing can be put behind."""
        address = str(self.cleaned_data["address"])
        if not address:
            return address
        if "?" in address:
            raise ValidationError(_("Write the address without a question mark and what follows it."))
        try:
            outbound.listed(address)
        except Refused as error:
            raise ValidationError(_WHY[error.code]) from error
        return address

    def clean(self) -> dict[str, Any]:
        """Ask for the secret that the credentials need."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        needs = told.get("kind") == Partner.Kind.STOW and told.get("auth") != Partner.Auth.NONE
        if needs and not told.get("secret") and not self.instance.sealed_secret:
            self.add_error("secret", _("Write the token or the password."))
        return told

    def save(self, commit: bool = True) -> Any:
        """Seal the secret that was typed."""
        if self.cleaned_data.get("secret"):
            credentials.keep_secret(self.instance, self.cleaned_data["secret"])
        return super().save(commit)


class PushForm(forms.Form):
    """One push, as it is wished."""

    partner = forms.ModelChoiceField(label=_("To"), queryset=Partner.objects.none(), empty_label=None)
    what = forms.ChoiceField(label=_("What"), choices=[(each.value, "") for each in What])
    series = forms.MultipleChoiceField(required=False)
    with_report = forms.BooleanField(label=_("With the report"), required=False)
    purpose = forms.ChoiceField(label=_("Purpose"), choices=Purpose.choices)
    purpose_words = forms.CharField(label=_("Purpose in words"), max_length=300, required=False)

    def __init__(self, *args: Any, partners: QuerySet[Partner], series: Iterable[str] = (), **names: Any) -> None:
        """Offer these partners, and these series by UID."""
        super().__init__(*args, **names)
        self.fields["partner"].queryset = partners  # type: ignore[attr-defined]
        self.fields["series"].choices = [(uid, uid) for uid in series]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for the words of another purpose."""
        told: dict[str, Any] = super().clean() or {}
        if told.get("purpose") == Purpose.OTHER and not told.get("purpose_words"):
            self.add_error("purpose_words", ValidationError(_("Say in a few words what the images are needed for.")))
        return told

    def wish(self, study_instance_uid: str) -> Wish:
        """Return what is wished; of a valid form only."""
        told = self.cleaned_data
        return Wish(
            studies=(study_instance_uid,),
            what=What(told["what"]),
            series=frozenset(told["series"]),
            purpose=told["purpose"],
            purpose_words=told["purpose_words"],
            with_report=told["with_report"],
            may_download=True,
        )


class StopForm(forms.Form):
    """Why it is stopped: whoever sent it may leave it out."""

    words = forms.CharField(label=_("Why it is stopped"), max_length=300, required=False)

    def __init__(self, *args: Any, is_own: bool, **names: Any) -> None:
        super().__init__(*args, **names)
        self.fields["words"].required = not is_own
