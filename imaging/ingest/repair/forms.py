"""What comes from the repair page, checked. Anything may be posted; what cannot be meant is refused with a sentence."""

from datetime import date
from typing import Any, Final

from django import forms
from django.core.validators import RegexValidator
from django.db.models import TextChoices
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imaging.studies.models import Rejection

_PLAIN: Final = RegexValidator(r"^[^\\\x00-\x1f\x7f]*$", _("No backslash and no control characters."))
_NAME: Final = RegexValidator(r"^[^\\^=\x00-\x1f\x7f]*$", _("No backslash, caret, equals sign or control characters."))
_MOST_TICKED: Final = 5000
_KEY: Final[dict[str, Any]] = {"required": False, "min_value": 1, "max_value": 2**62}


class Action(TextChoices):
    """What can be put right."""

    CORRECT = "correct", _("Correct the patient")
    MOVE = "move", _("Move to another study")
    SPLIT = "split", _("Split into a new study")
    REJECT = "reject", _("Reject")
    MERGE = "merge", _("Merge patients")


class RepairForm(forms.Form):
    """One decision: what is ticked, what is to become of it, and why."""

    action = forms.ChoiceField(choices=Action.choices)
    reason = forms.CharField(
        max_length=200, validators=[_PLAIN], error_messages={"required": _("Say why: it is kept with the decision.")}
    )
    identity = forms.ChoiceField(required=False, choices=[("", ""), ("known", ""), ("typed", "")])
    patient = forms.IntegerField(**_KEY)
    merge_into = forms.IntegerField(**_KEY)
    to_study = forms.IntegerField(**_KEY)
    code = forms.ChoiceField(required=False, choices=[("", ""), *Rejection.Code.choices])
    accession_number = forms.CharField(required=False, max_length=16, validators=[_PLAIN])
    description = forms.CharField(required=False, max_length=64, validators=[_PLAIN])
    patient_id = forms.CharField(required=False, max_length=64, validators=[_PLAIN])
    family_name = forms.CharField(required=False, max_length=64, validators=[_NAME])
    given_name = forms.CharField(required=False, max_length=64, validators=[_NAME])
    birth_date = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    sex = forms.ChoiceField(required=False, choices=[("", ""), ("F", "F"), ("M", "M"), ("O", "O")])
    seen = forms.IntegerField(required=False, min_value=0, max_value=2**31)
    seen_there = forms.IntegerField(required=False, min_value=0, max_value=2**31)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.series = _keys(data.getlist("series"))
        self.instances = _keys(data.getlist("instance"))

    def clean(self) -> dict[str, Any]:
        """Ask for what each decision needs."""
        said: dict[str, Any] = super().clean() or {}
        action = said.get("action")
        if action in {Action.MOVE, Action.SPLIT, Action.REJECT} and not (self.series or self.instances):
            self.add_error(None, _("Tick the series or images that it is about."))
        if action == Action.MOVE and not said.get("to_study"):
            self.add_error(None, _("Choose the study to which the images go."))
        if action == Action.MERGE and not said.get("merge_into"):
            self.add_error(None, _("Choose the patient who remains."))
        if action == Action.REJECT and not said.get("code"):
            self.add_error(None, _("Choose the reason for the rejection."))
        if action == Action.CORRECT:
            self._check_person(said)
        return said

    def _check_person(self, said: dict[str, Any]) -> None:
        if said.get("identity") != "typed":
            if not said.get("patient"):
                self.add_error(None, _("Choose the right patient, or type who it is."))
            return
        if not said.get("patient_id") or not said.get("family_name"):
            self.add_error(None, _("Type at least the MRN and the family name."))
        born = said.get("birth_date")
        if born and not date(1850, 1, 1) <= born <= timezone.localdate():
            self.add_error(None, _("The birth date cannot be."))

    def typed(self, issuer: str) -> dict[str, Any]:
        """Who was typed, as a DICOM JSON object."""
        said = self.cleaned_data
        born = said["birth_date"].strftime("%Y%m%d") if said["birth_date"] else ""
        name = f"{said['family_name']}^{said['given_name']}".rstrip("^")
        values = {
            "00100010": ("PN", name),
            "00100020": ("LO", said["patient_id"]),
            "00100021": ("LO", issuer),
            "00100030": ("DA", born),
            "00100040": ("CS", said["sex"]),
        }
        return {tag: {"vr": vr, "Value": [value]} if value else {"vr": vr} for tag, (vr, value) in values.items()}

    def hidden(self) -> list[tuple[str, str]]:
        """Everything that was said, for the page that asks whether it is meant."""
        names = [name for name in self.fields if name not in {"seen", "seen_there"}]
        said = [(name, self.data.get(name, "")) for name in names]
        ticked = [("series", str(key)) for key in sorted(self.series)]
        return [*said, *ticked, *(("instance", str(key)) for key in sorted(self.instances))]


def _keys(texts: list[str]) -> frozenset[int]:
    found = (text for text in texts[:_MOST_TICKED] if text.isascii() and text.isdigit() and len(text) < 19)
    return frozenset(map(int, found))
