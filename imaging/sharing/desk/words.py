"""Why a change of a share was not made: what stands against it, and that nothing was changed."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.sharing.making.policies import Problem

_REFUSALS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "not_allowed": gettext_lazy(
            "Your department does not share by link any more: a share can be made narrower only."
        ),
        "ends_before": gettext_lazy("The end must lie ahead."),
        "too_long": gettext_lazy("Your department shares for %(days)s days at the most."),
        "too_many_opens": gettext_lazy("Your department allows %(most)s opens at the most."),
        "no_download": gettext_lazy("Your department gives no downloads."),
        "second_person": gettext_lazy("A second person agrees to such shares: ask them to widen it, or share anew."),
        "has_ended": gettext_lazy("It has ended meanwhile. Share the images again if they are still needed."),
        "not_yours_to_allow": gettext_lazy("It was decided meanwhile, or it is your own."),
    }
)


def refusal(problems: Iterable[Problem]) -> str:
    """Return what stands in the way, as sentences; problems without one of their own are told as one."""
    said = [str(_REFUSALS[problem.why]) % dict(problem.told) for problem in problems if problem.why in _REFUSALS]
    return " ".join([_("Nothing was changed."), *said])
