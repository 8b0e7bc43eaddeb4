"""What a writer is told when something cannot be done: what happened, what was kept, what to do next."""

from __future__ import annotations

from django.utils.translation import gettext as _

from imaging.reports.templates import layout
from imaging.reports.templates.fields import Fault
from imaging.reports.writing import policies
from imaging.reports.writing.policies import Refused


def refusal(refused: Refused) -> str:
    """Why not, in the reader's language."""
    more = refused.more
    words = {
        "shape": _("This is not a draft as the editor sends it. Nothing was saved; reload the page."),
        "too_long": _(
            "The section “%(section)s” is too long: %(most)s characters are kept. Shorten it; it was not saved."
        )
        % {"section": more.get("section", ""), "most": layout.LONGEST_TEXT}
        if more.get("section")
        else _("The report is too long: %(most)s characters are kept. Shorten it; it was not saved.")
        % {"most": policies.LONGEST_REPORT},
        "not_open": _("The report is signed. Nothing was changed: add an addendum, or correct it."),
        "not_yours": _("You cannot write this report: your departments neither made nor read this study."),
        "not_begun": _("Nothing is written yet. Write a word first."),
        "not_there": _("It is not there any more: somebody took it away. The report is as it was."),
        "too_many": _("The report holds as many measurements and key images as there is room for."),
        "no_picture": _("No picture can be made of this image. The report is as it was."),
        "empty": _("The report is empty. Write at least one section, then sign."),
        "unfilled": _("Fill in or delete these fields, then sign: %(fields)s.") % {"fields": more.get("fields", "")},
        "cannot_sign": _(
            "You may write this report, but not sign it finally: sign it as preliminary for a supervisor."
        ),
        "no_supervisor": _("Name the supervisor who will sign it finally."),
        "cannot_supervise": _("This colleague cannot sign this report any more. Choose another; nothing was signed."),
        "no_reason": _("Say why, so that who read the report before knows what changed."),
        "reason_too_long": _("The reason is too long: %(most)s characters are kept.")
        % {"most": policies.LONGEST_REASON},
        "nothing_changed": _("Nothing differs from what was signed. Change something, or discard the correction."),
        "changed_meanwhile": _("Somebody signed meanwhile. Read what is there now; nothing was changed by you."),
    }
    return words[refused.code]


def fault(found: Fault) -> str:
    """Why something between brackets is no field."""
    return {
        Fault.NOT_CLOSED: _("“[[” without “]]” on the same line"),
        Fault.NO_LABEL: _("a field needs a name of 60 characters at most"),
        Fault.UNKNOWN_KIND: _("after “|” comes text, number, number mm, date, or words divided by “/”"),
        Fault.TOO_MANY: _("20 words to choose from at most, each of 80 characters"),
        Fault.UNKNOWN_MACRO: _("there is no macro of this name"),
        Fault.ROUND: _("this macro names itself"),
        Fault.TOO_LONG: _("the text would become too long"),
    }[found]
