"""What a person decides about the held images of a copy: each goes with what is made black, is left out, or waits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.sharing.copies.services import MOST_AREAS, Ruling
from imaging.sharing.models import HeldObject

RELEASE: Final = "release"
LEAVE_OUT: Final = "leave_out"
LATER: Final = "later"
CHOICES: Final = (
    (RELEASE, pgettext_lazy("image", "Give it like this")),
    (LEAVE_OUT, pgettext_lazy("image", "Leave it out")),
    (LATER, pgettext_lazy("image", "Decide later")),
)
#: Characters of the areas that a person drew: more than can be drawn in earnest.
_LONGEST: Final = 20_000
_EDGE: Final = 100_000


class LooksForm(forms.Form):
    """The images of one page. ``rulings`` is what was decided about them."""

    top = forms.IntegerField(label=_("top"), min_value=0, max_value=100, required=False)
    bottom = forms.IntegerField(label=_("bottom"), min_value=0, max_value=100, required=False)
    left = forms.IntegerField(
        label=pgettext_lazy("side of an image", "left"), min_value=0, max_value=100, required=False
    )
    right = forms.IntegerField(
        label=pgettext_lazy("side of an image", "right"), min_value=0, max_value=100, required=False
    )
    all_of_them = forms.ChoiceField(choices=[("", ""), (RELEASE, ""), (LEAVE_OUT, "")], required=False)

    def __init__(self, *args: Any, held: Sequence[HeldObject], **names: Any) -> None:
        """For these images: a choice, which of the proposed areas stay, and what was drawn besides."""
        super().__init__(*args, **names)
        self.held = held
        for row in held:
            self.fields[f"choice-{row.pk}"] = forms.ChoiceField(choices=CHOICES, required=False)
            areas = [(str(number), "") for number in range(len(row.areas))]
            self.fields[f"areas-{row.pk}"] = forms.MultipleChoiceField(choices=areas, required=False)
            self.fields[f"drawn-{row.pk}"] = forms.CharField(max_length=_LONGEST, required=False)

    def clean(self) -> dict[str, Any]:
        """Read what was drawn: ``left,top,width,height`` in pixels, apart by semicolons."""
        told: dict[str, Any] = super().clean() or {}
        for row in self.held:
            name = f"drawn-{row.pk}"
            try:
                told[name] = _drawn(told.get(name, ""))
            except ValueError:
                self.add_error(name, ValidationError(_("What was drawn cannot be read: draw it again.")))
        return told

    def rulings(self) -> list[Ruling]:
        """What was decided; images that are to wait are none of it."""
        told = self.cleaned_data
        found = []
        for row in self.held:
            choice = told["all_of_them"] or told[f"choice-{row.pk}"] or LATER
            if choice == LATER:
                continue
            kept = [row.areas[int(number)] for number in told[f"areas-{row.pk}"]]
            areas = [*kept, *told[f"drawn-{row.pk}"], *_strips(told, row.source.columns, row.source.rows)]
            found.append(Ruling(row.pk, is_released=choice == RELEASE, areas=areas if choice == RELEASE else ()))
        return found


def _drawn(text: str) -> list[list[int]]:
    areas = []
    for part in text.split(";"):
        if part.strip():
            left, top, width, height = (int(number) for number in part.split(","))
            if min(left, top, width, height) < 0 or max(left, top, width, height) > _EDGE:
                raise ValueError("an area lies outside of every image")
            areas.append([left, top, width, height, 1, 0])
    if len(areas) > MOST_AREAS:
        raise ValueError("more areas than anybody draws")
    return areas


def _strips(told: Mapping[str, Any], columns: int, rows: int) -> Iterable[list[int]]:
    """The strips along the sides, given in percent of the image."""
    across = {side: -(-columns * (told[side] or 0) // 100) for side in ("left", "right")}
    down = {side: -(-rows * (told[side] or 0) // 100) for side in ("top", "bottom")}
    if down["top"]:
        yield [0, 0, columns, down["top"], 1, 0]
    if down["bottom"]:
        yield [0, rows - down["bottom"], columns, down["bottom"], 1, 0]
    if across["left"]:
        yield [0, 0, across["left"], rows, 1, 0]
    if across["right"]:
        yield [columns - across["right"], 0, across["right"], rows, 1, 0]
