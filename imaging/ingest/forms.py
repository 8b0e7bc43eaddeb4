"""What an administrator may write about senders and rules, checked before it can do harm."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.roles import Door
from imaging.ingest.models import ApplicationEntity, Quota, RoutingRule
from imaging.ingest.routing import CONDITIONS, Facts


class ApplicationEntityForm(forms.ModelForm):  # type: ignore[type-arg]
    """A DICOM peer."""

    class Meta:
        model = ApplicationEntity
        fields = (
            "ae_title",
            "description",
            "address",
            "host",
            "port",
            "loopback_only",
            "departments",
            "may_store",
            "may_query",
            "may_ask_worklist",
            "silence_hours",
            "is_active",
        )

    def clean_ae_title(self) -> str:
        """Refuse a title that differs from another in case only: peers and people would mix them up."""
        title = str(self.cleaned_data["ae_title"]).strip()
        others = ApplicationEntity.objects.filter(ae_title__iexact=title).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError(_("There is an application entity of this title already."))
        return title


class RoutingRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule; the door is chosen from those there are."""

    door = forms.ChoiceField(
        label=_("door"), required=False, choices=lambda: [("", _("any")), *((str(door), door.label) for door in Door)]
    )

    class Meta:
        model = RoutingRule
        fields = ("order", "name", *CONDITIONS, "owner", "also", "is_active")

    def clean(self) -> dict[str, Any]:
        """Refuse a second default: the rules after the first one would never be asked."""
        cleaned = super().clean() or self.cleaned_data
        is_default = not any(cleaned.get(name) for name in CONDITIONS)
        if is_default and cleaned.get("is_active") and not self.errors:
            empty = dict.fromkeys(CONDITIONS, "")
            if RoutingRule.objects.filter(**empty, is_active=True).exclude(pk=self.instance.pk).exists():
                raise forms.ValidationError(_("There is a rule without conditions already: it is the default."))
        return cleaned


class QuotaForm(forms.ModelForm):  # type: ignore[type-arg]
    """How much senders may hand over on a day."""

    door = forms.ChoiceField(
        label=_("door"), required=False, choices=lambda: [("", _("any")), *((str(door), door.label) for door in Door)]
    )

    class Meta:
        model = Quota
        fields = ("door", "sender", "objects_per_day", "megabytes_per_day", "is_active")

    def clean(self) -> dict[str, Any]:
        """Refuse a quota that limits nothing."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("objects_per_day") is None and cleaned.get("megabytes_per_day") is None:
            raise forms.ValidationError(_("Give a number of objects, of megabytes, or both."))
        return cleaned


class TryRoutingForm(forms.Form):
    """What the first image of a study might say, to see where the study would land."""

    door = forms.ChoiceField(
        label=_("door"),
        required=False,
        initial=Door.DIMSE.value,
        choices=lambda: [("", _("any")), *((str(door), door.label) for door in Door)],
    )
    calling_ae_title = forms.CharField(label=_("calling AE title"), required=False, max_length=64)
    modality = forms.CharField(
        label=_("modality"), required=False, max_length=64, help_text=_("As in the image: CT, MR, DX…")
    )
    station_name = forms.CharField(label=_("station name"), required=False, max_length=64)
    institutional_department_name = forms.CharField(label=_("department in the header"), required=False, max_length=64)
    requesting_service = forms.CharField(label=_("requesting department"), required=False, max_length=64)

    def facts(self) -> Facts:
        """What the rules are asked."""
        return Facts(**{name: str(self.cleaned_data[name]).strip() for name in CONDITIONS})
