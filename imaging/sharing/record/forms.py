"""What somebody who gives a link to a record chooses and types. What the department allows is asked of the rules, not here."""

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.messaging import recipients
from accounts.messaging import selectors as messaging
from accounts.models import Language
from imaging.sharing.models import RecordPolicy
from imaging.sharing.models.choices import Factor
from imaging.sharing.models.records import Ground, IdentityCheck, Relation
from imaging.sharing.record.policies import RecordWish


class RecordForm(forms.Form):
    """One link to a record, as it is wished. ``wish`` is what it comes to."""

    relation = forms.ChoiceField(label=_("For"), choices=Relation.choices)
    ground = forms.ChoiceField(
        label=_("On which ground"), choices=[("", _("none: it is the patient")), *Ground.choices], required=False
    )
    ground_words = forms.CharField(
        label=_("What was shown for it"),
        max_length=300,
        required=False,
        help_text=_("The family record book, a court’s decision, the patient’s letter of a day."),
    )
    identity = forms.ChoiceField(label=_("How identity was checked"), choices=IdentityCheck.choices)
    name = forms.CharField(label=_("Name"), max_length=150, required=False)
    email = forms.CharField(label=_("E-mail"), max_length=254, required=False)
    phone = forms.CharField(label=_("Mobile number"), max_length=40, required=False)
    language = forms.ChoiceField(label=_("Language of the recipient"), choices=Language.choices)
    factor = forms.ChoiceField(label=_("Second proof"), choices=Factor.choices)
    until_date = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    note = forms.CharField(
        label=_("Message"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    hands_over = forms.BooleanField(label=_("I hand the link over myself: send nothing"), required=False)

    def __init__(self, *args: Any, rules: RecordPolicy, **names: Any) -> None:
        """Offer what the department's ``rules`` allow."""
        super().__init__(*args, **names)
        self.rules = rules
        relations = Relation.choices if rules.gives_proxies else [(Relation.SELF.value, Relation.SELF.label)]
        self._choices("relation", relations)
        self._choices("factor", [each for each in Factor.choices if each[0] in rules.factors and _can_reach(each[0])])

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

    def wish(self, study_instance_uid: str) -> RecordWish:
        """Return what is wished; of a valid form only."""
        told = self.cleaned_data
        day: dt.date | None = told["until_date"]
        return RecordWish(
            study=study_instance_uid,
            relation=Relation(told["relation"]),
            ground=told["ground"],
            ground_words=told["ground_words"],
            identity=told["identity"],
            name=told["name"],
            email=told["email"],
            phone=told["phone"],
            language=told["language"],
            factor=Factor(told["factor"]),
            valid_until=timezone.make_aware(dt.datetime.combine(day, dt.time(23, 59))) if day else None,
            note=told["note"],
            sends=not told["hands_over"],
        )


def _can_reach(factor: str) -> bool:
    return factor != Factor.SMS or messaging.can_text()


def beginning(rules: RecordPolicy, *, language: str) -> dict[str, Any]:
    """Return what stands in a new form."""
    return {
        "relation": Relation.SELF,
        "ground": "",
        "identity": IdentityCheck.CARD,
        "language": language,
        "factor": next((each for each in rules.factors if _can_reach(each)), ""),
        "until_date": timezone.localdate() + dt.timedelta(days=rules.most_days),
    }
