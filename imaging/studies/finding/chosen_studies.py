"""The studies that a reader picked out of a list, with what may be done with each of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies.models import Study

#: As many as a person ticks, and a few pages more.
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is left of a choice: the studies that may be used so, and how many were left out for which reason."""

    studies: Sequence[Study] = ()
    without_right: int = 0
    unknown: int = 0


def chosen_studies(scope: Scope, study_instance_uids: Iterable[str], *, right: Right = Right.LIST) -> Chosen:
    """The studies of these UIDs on which `right` is held, as they were picked. What is not visible is unknown. Two queries."""
    named = dict.fromkeys(uid.replace("\x00", "") for uid in study_instance_uids)
    wanted = [uid for uid in named if uid][:MOST]
    rows = Study.objects.filter(study_instance_uid__in=wanted).select_related("patient")
    usable = {row.study_instance_uid: row for row in rows.visible_to(scope, right)}
    listed = usable.keys() | set(rows.visible_to(scope).values_list("study_instance_uid", flat=True))
    return Chosen(
        studies=[usable[uid] for uid in wanted if uid in usable],
        without_right=len(listed) - len(usable),
        unknown=len(wanted) - len(listed),
    )
