"""What somebody who shares chooses and types. What the department allows is asked of the rules, not here."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.messaging import recipients
from accounts.messaging import selectors as messaging
from accounts.models import Language
from imaging.dicom import person_name
from imaging.sharing.making.policies import What, Wish
from imaging.sharing.models import Share, SharePolicy
from imaging.sharing.models.choices import Factor, Purpose, Recipient
from imaging.studies.models import Study

_UNTIL = (("7", _("7 days")), ("30", _("30 days")), ("date", _("Date")))


class ShareForm(forms.Form):
    """One share, as it is wished. ``wish`` is what it comes to."""

    recipient = forms.ChoiceField(label=_("With"), choices=Recipient.choices)
    name = forms.CharField(label=_("Name"), max_length=150, required=False)
    email = forms.CharField(label=_("E-mail"), max_length=254, required=False)
    phone = forms.CharField(label=_("Mobile number"), max_length=40, required=False)
    language = forms.ChoiceField(label=_("Language of the recipient"), choices=Language.choices)
    what = forms.ChoiceField(label=_("What"), choices=[(each.value, "") for each in What])
    series = forms.MultipleChoiceField(required=False)
    priors = forms.MultipleChoiceField(required=False)
    with_report = forms.BooleanField(label=_("With the report"), required=False)
    is_deidentified = forms.BooleanField(label=_("Without the patient's identity"), required=False)
    may_download = forms.BooleanField(label=_("May download"), required=False)
    may_upload = forms.BooleanField(label=_("May send images back"), required=False)
    until = forms.ChoiceField(label=_("Until"), choices=_UNTIL)
    until_date = forms.DateField(label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    most_opens = forms.IntegerField(label=_("Openings at the most"))
    factor = forms.ChoiceField(label=_("Second proof"), choices=Factor.choices)
    purpose = forms.ChoiceField(label=_("Purpose"), choices=Purpose.choices)
    purpose_words = forms.CharField(label=_("Purpose in words"), max_length=300, required=False)
    note = forms.CharField(
        label=_("Message"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    hands_over = forms.BooleanField(label=_("I hand the link over myself: send nothing"), required=False)

    def __init__(
        self, *args: Any, rules: SharePolicy, series: Iterable[str] = (), priors: Iterable[str] = (), **names: Any
    ) -> None:
        """Offer what the department's ``rules`` allow, these series and these earlier studies, by UID."""
        super().__init__(*args, **names)
        self.rules = rules
        self._choices("series", [(uid, uid) for uid in series])
        self._choices("priors", [(uid, uid) for uid in priors])
        refused = set(rules.refused_recipients)
        self._choices("recipient", [each for each in Recipient.choices if each[0] not in refused])
        proofs = [each for each in Factor.choices if each[0] in rules.factors and _can_reach(each[0])]
        if not rules.factor_required:
            proofs = [(Factor.NONE.value, Factor.NONE.label), *proofs]
        self._choices("factor", proofs)

    def _choices(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    def clean_email(self) -> str:
        """Take one address, as mail servers know it."""
        typed: str = self.cleaned_data["email"].strip()
        return recipients.email_address(typed) if typed else ""

    def clean_phone(self) -> str:
        """Take a mobile number, national or not (E.164)."""
        typed: str = self.cleaned_data["phone"].strip()
        return recipients.mobile_number(typed, country=messaging.gateway_settings().country) if typed else ""

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
            priors=frozenset(told["priors"]),
            recipient=Recipient(told["recipient"]),
            name=told["name"],
            email=told["email"],
            phone=told["phone"],
            language=told["language"],
            purpose=told["purpose"],
            purpose_words=told["purpose_words"],
            note=told["note"],
            may_download=told["may_download"],
            may_upload=told["may_upload"],
            with_report=told["with_report"],
            is_deidentified=told["is_deidentified"],
            factor=Factor(told["factor"]),
            valid_until=self._end(),
            most_opens=told["most_opens"],
            sends=not told["hands_over"],
        )

    def _end(self) -> dt.datetime | None:
        """The last minute of the last day; None where no day was given."""
        told = self.cleaned_data
        day: dt.date | None = told["until_date"]
        if told["until"] != "date":
            day = timezone.localdate() + dt.timedelta(days=int(told["until"]))
        return timezone.make_aware(dt.datetime.combine(day, dt.time(23, 59))) if day else None


def _can_reach(factor: str) -> bool:
    return factor != Factor.SMS or messaging.can_text()


def recipient_of(share: Share) -> dict[str, Any]:
    """Return what stands in a form for the recipient of a share that was made before."""
    return {
        "recipient": share.recipient,
        "name": share.recipient_name,
        "email": share.recipient_email,
        "phone": share.recipient_phone,
        "language": share.language,
        "purpose": share.purpose,
        "purpose_words": share.purpose_words,
    }


def referrer_of(study: Study, rules: SharePolicy) -> dict[str, Any]:
    """Return what stands in a form where images know who asked for them (0008,0090): that physician, by name.

    Nothing where they name nobody, or where the department never shares with who refers.
    """
    name = person_name.parse(study.referring_physician_name).leading
    written = " ".join(part for part in (name.prefix, name.given, name.middle, name.family, name.suffix) if part)
    if not written or Recipient.REFERRER in rules.refused_recipients:
        return {}
    return {"recipient": Recipient.REFERRER, "name": written[:150]}


def beginning(rules: SharePolicy, *, language: str) -> dict[str, Any]:
    """Return what stands in a new form."""
    until = str(rules.default_days) if rules.default_days in {7, 30} else "date"
    proofs = [each for each in rules.factors if _can_reach(each)]
    return {
        "recipient": Recipient.COLLEAGUE,
        "what": What.STUDY,
        "language": language,
        "purpose": Purpose.CARE,
        "until": until,
        "until_date": timezone.localdate() + dt.timedelta(days=rules.default_days),
        "most_opens": rules.most_opens,
        "factor": proofs[0] if proofs else Factor.NONE,
        "may_download": rules.offers_download,
    }
