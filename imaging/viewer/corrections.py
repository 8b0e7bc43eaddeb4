"""What was put over received headers, in words: who decided it, when and why, what it says now and what came; and taking it back."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.roles import Capability, Right
from accounts.selectors import capabilities_by_department
from imaging.dicom import header_listing
from imaging.dicom.correctable import CorrectionInvalid
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies import services as study_services
from imaging.studies.models import Correction, Study
from imaging.templatetags.people import clock, day
from imaging.viewer.errors import of_a_study

_LONGEST_REASON = 200
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Value:
    """One corrected attribute: what goes out, and what was received."""

    tag: str
    name: str
    corrected: str
    received: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was corrected at once. ``group`` names it to the view that takes it back; empty when that cannot be done here."""

    group: str
    sentence: str
    reason: str
    at: dt.datetime
    values: tuple[Value, ...]


@require_POST
@of_a_study
def revert(request: HttpRequest, study_instance_uid: str, group: UUID) -> HttpResponseBase:
    """Take back what was decided at once about a study; for who may correct identities where the study lies."""
    study = access.open_study(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.CHANGE,
        right=Right.WRITE,
    )
    if not may_correct(request, study):
        raise access.RightMissing(Capability.CORRECT_IDENTITY.value)
    row = next((row for row in studies.decisions_about(study, scope=request.scope) if row.group == group), None)  # type: ignore[attr-defined]
    if row is None:
        messages.info(request, _("This correction had been taken back already."))
        return redirect("viewer:study", study_instance_uid=study_instance_uid)
    reason = request.POST.get("reason", "").strip()[:_LONGEST_REASON]
    try:
        study_services.revert(row, actor=request.actor, reason=reason)  # type: ignore[attr-defined]
    except CorrectionInvalid as error:
        messages.error(request, _refusal(error))
    else:
        messages.success(request, _("The correction was taken back. The study shows what was received again."))
    return redirect("viewer:study", study_instance_uid=study_instance_uid)


def _refusal(error: CorrectionInvalid) -> str:
    if error.code == "would_split_study":
        return _(
            "Nothing was changed: without this correction the study would hold images of two patients. "
            "Withdraw the images that came later instead."
        )
    if error.code == "part_of_merge":
        return _("Nothing was changed: the correction belongs to a merge of two patients. Take the merge back instead.")
    return _(
        "Nothing was changed: the correction gave these images new identifiers, which decide where they lie. "
        "Withdraw the images instead."
    )


def may_correct(request: HttpRequest, study: Study) -> bool:
    """Whether the reader may correct identities in a department that has the study."""
    held = capabilities_by_department(request.user).get(Capability.CORRECT_IDENTITY, frozenset())
    if not held:
        return False
    placements = studies.placements_of(study, scope=request.scope)  # type: ignore[attr-defined]
    return any(place.department_id in held for place in placements)


def decisions(rows: Iterable[Correction], *, may_revert: bool) -> list[Decision]:
    """Return each decision in words, the first first. Moves and merges are taken back on the page where they were decided."""
    rows = list(rows)
    elsewhere = studies.put_right_together(rows)
    return [
        Decision(
            group=str(row.group) if may_revert and row.group not in elsewhere else "",
            sentence=_sentence(row),
            reason=row.reason,
            at=row.made_at,
            values=tuple(values(row)),
        )
        for row in rows
    ]


def values(row: Correction) -> list[Value]:
    """Return the attributes of a correction with what was received in their place."""
    received = {line.tag: line.value for line in header_listing.listing(row.received)}
    corrected = header_listing.listing(row.attributes)
    return [Value(line.tag, line.name, line.value, received.get(line.tag, "")) for line in corrected]


def _sentence(row: Correction) -> str:
    names = [line.name for line in header_listing.listing(row.attributes)]
    said = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    return ngettext(
        "%(names)s was corrected by %(who)s on %(day)s at %(time)s.",
        "%(names)s were corrected by %(who)s on %(day)s at %(time)s.",
        len(names),
    ) % {"names": said, "who": row.made_by, "day": day(row.made_at), "time": clock(row.made_at)}
