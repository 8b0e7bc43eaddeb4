"""What became of an import and of its files, in words: what happened, what was kept, what to do next."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from imaging.ingest.imports.selectors import Candidate
from imaging.ingest.intake import Outcome
from imaging.ingest.media.trouble import in_words
from imaging.ingest.models import ImportedFile

_State = ImportedFile.State

#: Why an import waits, ended early or failed (`Import.problem`).
_PROBLEMS: Final[Mapping[str, str | Promise]] = {
    "nothing_found": _("There is no DICOM image in it. Nothing was imported."),
    "too_many_patients": _(
        "It holds more patients or studies than one person can check. Ask IT to import it on the server, or bring it in parts."
    ),
    "disk_full": _("The disk is full. It goes on by itself as soon as there is room; nothing is lost."),
    "disk": _("The disk cannot be written. It goes on by itself as soon as it can; nothing is lost."),
    "scanner": _("The virus scanner does not answer. It goes on by itself as soon as it does; nothing is lost."),
    "quota": _("You have brought as much as you may today. It goes on by itself tomorrow; nothing is lost."),
    "stopped": _("It was stopped. What is in the archive stays there; the rest was left out and can be brought again."),
    "not_allowed": _(
        "You may no longer bring images to this department. What was not in the archive yet was left out."
    ),
    "fault": _("A fault on our side stopped it. What is in the archive stays there. Bring it again: it goes on."),
}
#: Why one file is not in the archive, where the file itself is not the reason.
_REASONS: Final[Mapping[str, str | Promise]] = {
    "not_chosen": _("You left it out."),
    "stopped": _("The import was stopped before it."),
    "not_allowed": _("You may no longer bring images to this department."),
    "unreadable": _("It could not be read again. Bring it once more."),
}
_OUTCOMES: Final[Mapping[str, str | Promise]] = {
    Outcome.NEW: _("Stored"),
    Outcome.DUPLICATE: _("Same bytes, nothing changed"),
    Outcome.CONFLICT: _("Kept as a second version of what was there: somebody will choose"),
    Outcome.WAITING: _("Kept; it appears in the list in a moment"),
}
#: The same for every reason: why an object is set aside is told to those who decide about it.
_SET_ASIDE: Final = _("Kept, and set aside for a check. Nothing more to do for you.")
_SHAPES: Final[Mapping[str, str]] = {
    _State.REGISTERED: "final",
    _State.SET_ASIDE: "preliminary",
    _State.REFUSED: "rejected",
    _State.SKIPPED: "archived",
}


def problem(code: str) -> str:
    """Why an import waits, ended early or failed."""
    return str(_PROBLEMS[code]) if code in _PROBLEMS else in_words(code)


def explanation(file: ImportedFile) -> str:
    """What became of one file."""
    if file.state == _State.REGISTERED:
        return str(_OUTCOMES.get(file.outcome, ""))
    if file.state == _State.SET_ASIDE:
        return str(_SET_ASIDE)
    if file.reason in _REASONS:
        return str(_REASONS[file.reason])
    return in_words(file.reason) if file.reason else ""


def shape(state: str) -> str:
    """The sprite's shape of a file's state."""
    return _SHAPES.get(state, "acquiring")


def comparison(candidate: Candidate) -> str:
    """How a patient of ours compares with one of a delivery."""
    if candidate.disagreement:
        return ", ".join(gettext(part) for part in candidate.disagreement.split(", "))
    if candidate.has_study:
        return gettext("has one of these studies already")
    return gettext("same number, nothing differs") if candidate.same_number else gettext("name and birth date fit")
