"""What comes from the pages of templates and macros, checked; what cannot be read is told with its line."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from imaging.reports.documents.content import clean
from imaging.reports.templates import layout
from imaging.reports.templates.layout import LayoutInvalid

LANGUAGES: Final = (("en", "English"), ("fr", "Français"))
_LINE: Final = RegexValidator(r"^[^\\\x00-\x1f\x7f]*$", _("No backslash and no control characters."))
_PLAIN: Final = RegexValidator(r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$", _("No control characters."))
_CODE: Final = RegexValidator(r"^[A-Z0-9_ ]*$", _("Capital letters and digits, as DICOM writes it."))
_MOST_TEXT: Final = 4 * layout.LONGEST_TEXT


def read_layout(text: str) -> list[dict[str, str]]:
    """The sections of a typed template. Raises ``ValidationError`` in words."""
    try:
        return layout.read(clean(text))
    except LayoutInvalid as error:
        words = {
            "empty": gettext("The template is empty."),
            "twice": gettext("The section “%(piece)s” stands there twice.") % {"piece": error.piece},
            "too_many": gettext("%(most)s sections at most.") % {"most": layout.MOST_SECTIONS},
            "too_long": gettext("The section “%(piece)s” is too long.") % {"piece": error.piece},
        }
        raise ValidationError(words[error.code]) from None


class LayoutField(forms.CharField):
    """The sections of a template as one text; valid values are lists of sections."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """Show sections as they are typed."""
        return layout.write(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Read the text. Raises ``ValidationError``."""
        return read_layout(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare texts with texts."""
        return super().has_changed(self.prepare_value(initial), data)


class TemplateForm(forms.Form):
    """A person's own template."""

    name = forms.CharField(label=pgettext_lazy("of a template", "Name"), max_length=120, validators=[_LINE])
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)
    modality = forms.CharField(label=_("Modality"), max_length=16, required=False, validators=[_CODE])
    body_part_examined = forms.CharField(label=_("Body part"), max_length=16, required=False, validators=[_CODE])
    procedure_code = forms.CharField(label=_("Procedure"), max_length=16, required=False, validators=[_LINE])
    sections = LayoutField(label=_("Text"), max_length=_MOST_TEXT, validators=[_PLAIN])


class MacroForm(forms.Form):
    """A person's own macro."""

    word = forms.RegexField(
        label=_("Word"), regex=r"^[A-Za-z0-9_-]{1,32}$", help_text=_("Letters, digits, “-” and “_”: no spaces.")
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)
    text = forms.CharField(label=_("Text"), max_length=4000, validators=[_PLAIN], widget=forms.Textarea)

    def clean_text(self) -> str:
        """Keep it as it may be signed."""
        return clean(self.cleaned_data["text"])
