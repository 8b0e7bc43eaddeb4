"""Why a link to a record is not given as it was wished: one sentence for each reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.sharing.making import words
from imaging.sharing.making.policies import Problem

_SAID: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "no_records": _(
            "Your department gives patients no link to their record. Its managers can allow it in the rules."
        ),
        "no_proxies": _("Your department gives links to patients only, not to who acts for them."),
        "not_your_role": _("Your role in this department does not give such links. Ask a colleague who may."),
        "not_with_them": _("Your department shares nothing with patients by link."),
        "ground_needed": _("Say on which ground somebody else may see the patient's record."),
        "name_needed": _("Give the name of the person who gets this link."),
        "is_of_age": _("The patient is of age: only their own written wish, or guardianship, gives a parent a link."),
        "too_long": _("Your department gives such links for %(days)s days at the most; they can be extended."),
        "patient_opposes": _("The patient opposed access on the web. No link was given."),
    }
)


def said(problem: Problem) -> str:
    """Return the sentence of a problem."""
    return str(_SAID[problem.why]) % dict(problem.told) if problem.why in _SAID else words.said(problem)
