"""What comes from the desk's pages, checked. Anything may be posted; what cannot be meant is refused with a sentence."""

from typing import Any, Final

from django import forms
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from imaging.ingest.desk import selectors
from imaging.ingest.desk.policies import Chosen, Decider, Person, Renewal
from imaging.ingest.desk.services import Kind, Wish
from imaging.ingest.models import ConflictDecision, QuarantineDecision, QuarantinedObject

_MOST_LINES: Final = 500
#: PS3.5 section 6.2: no backslash or control character in LO and PN; the equals sign and caret part a name.
_PLAIN: Final = RegexValidator(r"^[^\\\x00-\x1f\x7f]*$", _("No backslash and no control characters."))
_NAME: Final = RegexValidator(r"^[^\\^=\x00-\x1f\x7f]*$", _("No backslash, caret, equals sign or control characters."))


class FilterForm(forms.Form):
    """What the list is narrowed to."""

    reason = forms.ChoiceField(required=False, choices=[("", _("any reason")), *QuarantinedObject.Reason.choices])
    sender = forms.CharField(required=False, max_length=64)
    q = forms.CharField(required=False, max_length=128)

    def filters(self) -> selectors.Filters:
        """Return the filters; what cannot be read narrows nothing."""
        self.is_valid()
        return selectors.Filters(
            reason=self.cleaned_data.get("reason", ""),
            sender=self.cleaned_data.get("sender", ""),
            text=self.cleaned_data.get("q", ""),
        )


class DecisionForm(forms.Form):
    """A decision about the objects that were ticked."""

    decision = forms.ChoiceField(choices=Kind.choices)
    note = forms.CharField(required=False, max_length=500, validators=[_PLAIN])
    reason_code = forms.ChoiceField(required=False, choices=[("", ""), *QuarantineDecision.RejectReason.choices])
    place_in = forms.ModelChoiceField(queryset=Department.objects.none(), required=False)
    renewal = forms.ChoiceField(required=False, choices=[(level.value, level.name) for level in Renewal])
    identity = forms.ChoiceField(required=False, choices=[("", ""), ("known", ""), ("typed", "")])
    patient = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    patient_id = forms.CharField(required=False, max_length=64, validators=[_PLAIN])
    family_name = forms.CharField(required=False, max_length=64, validators=[_NAME])
    given_name = forms.CharField(required=False, max_length=64, validators=[_NAME])
    birth_date = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    sex = forms.ChoiceField(required=False, choices=[("", ""), ("F", "F"), ("M", "M"), ("O", "O")])

    def __init__(self, data: QueryDict, *, decider: Decider) -> None:
        super().__init__(data)
        self._tokens = data.getlist("chosen")[:_MOST_LINES]
        self._decider = decider
        places = Department.objects.active().filter(pk__in=decider.departments)
        self.fields["place_in"].queryset = places  # type: ignore[attr-defined]
        self._person: Person | None = None

    def chosen(self) -> list[Chosen]:
        """Return the lines that were ticked."""
        return [found for token in self._tokens if (found := Chosen.read(token)) is not None]

    def clean(self) -> dict[str, Any]:
        """Ask for what each decision needs."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.chosen():
            raise forms.ValidationError(_("Nothing is selected. Tick the lines that you decide about."))
        kind = cleaned.get("decision")
        if kind == Kind.REJECT and not cleaned.get("reason_code"):
            self.add_error("reason_code", _("Choose why it is rejected."))
        if kind == Kind.REJECT and cleaned.get("reason_code") == "other" and not cleaned.get("note"):
            self.add_error("note", _("Say in a few words why it is rejected."))
        if kind == Kind.CORRECT:
            self._person = self._read_person(cleaned)
            if self._person is None and not cleaned.get("renewal") and not self.errors:
                raise forms.ValidationError(_("Choose what is to be corrected: the patient, or where it belongs."))
        return cleaned

    def _read_person(self, cleaned: dict[str, Any]) -> Person | None:
        identity = cleaned.get("identity")
        if identity == "known":
            known = selectors.patient_of(self._decider, cleaned.get("patient") or 0)
            if known is None:
                self.add_error("patient", _("Choose the patient from the list."))
                return None
            return Person(
                patient_id=known.patient_id,
                issuer_of_patient_id=known.issuer_of_patient_id,
                patient_name=known.patient_name,
                birth_date=known.birth_date.isoformat() if known.birth_date else "",
                sex=known.sex,
            )
        return self._typed_person(cleaned) if identity == "typed" else None

    def _typed_person(self, cleaned: dict[str, Any]) -> Person | None:
        for name in ("patient_id", "family_name"):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("This is needed to know who the patient is."))
        if self.errors:
            return None
        given = cleaned.get("given_name", "")
        born = cleaned.get("birth_date")
        return Person(
            patient_id=cleaned["patient_id"],
            issuer_of_patient_id=selectors.own_issuer(self._decider),
            patient_name=f"{cleaned['family_name']}^{given}" if given else cleaned["family_name"],
            birth_date=born.isoformat() if born else "",
            sex=cleaned.get("sex", ""),
        )

    def wish(self) -> Wish:
        """Return the decision, once the form is valid."""
        cleaned = self.cleaned_data
        kind = cleaned["decision"]
        place = cleaned.get("place_in")
        return Wish(
            kind=kind,
            note=cleaned.get("note", ""),
            reason_code=cleaned.get("reason_code", "") if kind == Kind.REJECT else "",
            place_in=place.pk if place and kind in {Kind.RELEASE, Kind.CORRECT} else None,
            person=self._person,
            renewal=Renewal(cleaned.get("renewal", "")) if kind == Kind.CORRECT else Renewal.NOTHING,
        )


class ConflictForm(forms.Form):
    """Which version is shown from now on."""

    decision = forms.ChoiceField(choices=ConflictDecision.Kind.choices)
    version = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    whole_series = forms.BooleanField(required=False)
    note = forms.CharField(required=False, max_length=500, validators=[_PLAIN])

    def clean(self) -> dict[str, Any]:
        """Ask for the version that is to be shown."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("decision") == ConflictDecision.Kind.CHOOSE and not cleaned.get("version"):
            raise forms.ValidationError(_("Choose the version that is to be shown."))
        return cleaned
