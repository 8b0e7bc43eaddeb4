"""The one door for reading: scope, fetch and audit in one call (DESIGN 4.6).

Every page, frame, file and picture of a study goes through ``open_study`` or the two functions built on it. A study
that is not visible and one that does not exist are the same answer.
"""

import time
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from django.db.models import Model, Q, QuerySet

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Prior, Scope
from imaging.studies import lending, priors
from imaging.studies.models import Grant, Instance, InstanceVersion, Series, Study
from imaging.studies.reading import decisions

RowT = TypeVar("RowT", bound=Model)


class StudyNotVisible(LookupError):
    """There is no such study, series or instance for this reader (404)."""


class RightMissing(PermissionError):
    """The reader knows of the study but does not hold this right on it (403)."""


class Purpose(StrEnum):
    """What the reader is about to do; decides which event is recorded."""

    #: Open the study's page or the viewer.
    OPEN = "open"
    #: Look at the study beside the list, without opening it.
    PREVIEW = "preview"
    #: Fetch what is shown beside the list before anybody looks, so that it is there at once.
    AHEAD = "ahead"
    #: Open an earlier study of a patient who is being cared for.
    PRIOR = "prior"
    #: Read headers.
    METADATA = "metadata"
    #: Read pixels: frames and rendered images.
    FRAMES = "frames"
    #: Fetch whole objects.
    RETRIEVE = "retrieve"
    #: Take the study out of the portal: recorded each time, and refused when it cannot be recorded.
    EXPORT = "export"
    #: Show the small picture of a list or strip: covered by the event of the list or the study.
    THUMBNAIL = "thumbnail"
    #: Ask what is in it: covered by the event of the search.
    SEARCH = "search"
    #: Change something: the service that does it records what was done.
    CHANGE = "change"


_ACTIONS: Mapping[Purpose, audit.Action] = MappingProxyType(
    {
        Purpose.OPEN: audit.Action.STUDY_OPENED,
        Purpose.PREVIEW: audit.Action.STUDY_PREVIEWED,
        Purpose.AHEAD: audit.Action.STUDY_PREFETCHED,
        Purpose.PRIOR: audit.Action.PRIOR_OPENED,
        Purpose.METADATA: audit.Action.METADATA_READ,
        Purpose.FRAMES: audit.Action.FRAMES_READ,
        Purpose.RETRIEVE: audit.Action.INSTANCES_RETRIEVED,
        Purpose.EXPORT: audit.Action.STUDY_EXPORTED,
    }
)


def open_study(
    scope: Scope,
    study_instance_uid: str,
    *,
    actor: Actor,
    purpose: Purpose,
    right: Right = Right.VIEW,
    detail: Mapping[str, Any] | None = None,
) -> Study:
    """The study, with its patient, for a reader who holds ``right`` on it; the reading is on record, with ``detail``.

    Raises ``StudyNotVisible`` (404) for a stranger or an unknown UID, ``RightMissing`` (403) for a reader who may list
    the study without holding ``right``.
    """
    named = Q(study_instance_uid=_uid(study_instance_uid))
    usable = _usable(scope, purpose)
    study = _first(Study.objects.visible_to(usable, right).filter(named).select_related("patient"))
    if study is None:
        listed = Study.objects.visible_to(scope, Right.LIST).filter(named)
        _refuse(listed, actor, "study", study_instance_uid, right)
    _record(study, scope, actor=actor, purpose=purpose, detail=detail)
    return study


def preview_study(scope: Scope, study_instance_uid: str, *, actor: Actor, is_shown: bool) -> tuple[Study, bool]:
    """A study of the list with its patient, and whether the reader may see its pictures too; what a preview is made from.

    Who may only list it gets it without a refusal on record: the list shows them as much. A look is on record once it is
    shown; what a page fetches ahead is on record as that, and must hold no more than text, small pictures and addresses.
    Raises ``StudyNotVisible`` for a stranger or an unknown UID.
    """
    study = open_study(scope, study_instance_uid, actor=actor, purpose=Purpose.THUMBNAIL, right=Right.LIST)
    may_view = Study.objects.visible_to(scope, Right.VIEW).filter(pk=study.pk).exists()
    if may_view:
        _record(study, scope, actor=actor, purpose=Purpose.PREVIEW if is_shown else Purpose.AHEAD)
    return study, may_view


def open_prior(scope: Scope, study_instance_uid: str, prior_instance_uid: str, *, actor: Actor) -> Prior:
    """Open an earlier study of the patient of a study that the reader has open: what `accounts.opened_priors` is to keep.

    The opening is on record each time, as prior of that study. From then on every address of the prior answers to a
    scope that holds it, for as long as the rule holds. Raises ``StudyNotVisible`` for what may not be opened so, for a
    UID that does not exist, and for a study of another patient: the same answer.
    """
    study = open_study(scope, study_instance_uid, actor=actor, purpose=Purpose.OPEN)
    named = Q(study_instance_uid=_uid(prior_instance_uid))
    prior = _first(priors.openable_priors(study, scope=scope).filter(named).select_related("patient"))
    if prior is None:
        _refuse(Study.objects.none(), actor, "study", prior_instance_uid, Right.VIEW)
    audit.record(
        audit.Action.PRIOR_OPENED,
        actor=actor,
        subject_type="study",
        subject_uid=prior.study_instance_uid,
        patient_id=prior.patient.patient_id,
        issuer_of_patient_id=prior.patient.issuer_of_patient_id,
        detail={"purpose": Purpose.PRIOR.value, "prior_of": study.study_instance_uid},
    )
    return Prior(prior.study_instance_uid, study.study_instance_uid)


def open_series(
    scope: Scope,
    study_instance_uid: str,
    series_instance_uid: str,
    *,
    actor: Actor,
    purpose: Purpose,
    right: Right = Right.VIEW,
    detail: Mapping[str, Any] | None = None,
) -> Series:
    """A series of that study, with study and patient; errors as ``open_study``."""
    named = Q(study__study_instance_uid=_uid(study_instance_uid), series_instance_uid=_uid(series_instance_uid))
    usable = _usable(scope, purpose)
    series = _first(Series.objects.visible_to(usable, right).filter(named).select_related("study__patient"))
    if series is None:
        _refuse(Series.objects.visible_to(scope, Right.LIST).filter(named), actor, "series", series_instance_uid, right)
    _record(series.study, scope, actor=actor, purpose=purpose, detail=detail)
    return series


def open_instance(
    scope: Scope,
    study_instance_uid: str,
    series_instance_uid: str | None,
    sop_instance_uid: str,
    *,
    actor: Actor,
    purpose: Purpose,
    right: Right = Right.VIEW,
    detail: Mapping[str, Any] | None = None,
) -> InstanceVersion:
    """The current version of an instance of that series (of any, with None), ready for ``frames``, ``metadata`` and ``storage``.

    ``version.instance.series.study.patient`` and the stored objects are already fetched. Errors as ``open_study``.
    """
    if purpose is Purpose.FRAMES and right is Right.VIEW and series_instance_uid is not None:
        key = decisions.key_of(scope, right, study_instance_uid, series_instance_uid)
        kept = decisions.remembered.find(key, sop_instance_uid)
        if kept is not None:
            _record(kept.instance.series.study, scope, actor=actor, purpose=purpose, detail=detail)
            return kept
    else:
        key = None
    named = Q(study__study_instance_uid=_uid(study_instance_uid), sop_instance_uid=_uid(sop_instance_uid))
    if series_instance_uid is not None:
        named &= Q(series__series_instance_uid=_uid(series_instance_uid))
    visible = Instance.objects.visible_to(_usable(scope, purpose), right).filter(named)
    version = _first(
        InstanceVersion.objects.filter(state=InstanceVersion.State.CURRENT, instance__in=visible).select_related(
            "instance__series__study__patient", "stored_object", "frames_object"
        )
    )
    if version is None:
        _refuse(
            Instance.objects.visible_to(scope, Right.LIST).filter(named), actor, "instance", sop_instance_uid, right
        )
    _record(version.instance.series.study, scope, actor=actor, purpose=purpose, detail=detail)
    if key is not None and decisions.remembered.is_busy(key):
        _look_ahead(scope, version, right, key)
    return version


def _look_ahead(scope: Scope, version: InstanceVersion, right: Right, key: decisions.Key) -> None:
    """Ask for the images around one at once: who reads frame after frame wants those next."""
    number, series = version.instance.instance_number, version.instance.series
    if number is None:
        return
    decided_at = time.monotonic()
    around = Q(instance_number__gte=number - decisions.BEHIND, instance_number__lt=number + decisions.AHEAD)
    visible = Instance.objects.visible_to(scope, right).filter(around, series=series)
    rows = (
        InstanceVersion.objects.current()
        .filter(instance__in=visible)
        .exclude(Q(frames_object=None) & ~Q(needs_rendition=""))
        .select_related("instance", "stored_object", "frames_object")
        .prefetch_related("stored_object__copies", "frames_object__copies")
    )
    found = list(rows[: 2 * decisions.AHEAD])
    for row in found:
        row.instance.series = series
    decisions.remembered.keep(key, decided_at, found)


def _usable(scope: Scope, purpose: Purpose) -> Scope:
    """What the scope is for this purpose: a prior, and what is lent, is looked at, and nothing is put on it."""
    return scope.without_priors() if purpose is Purpose.CHANGE else scope


def _uid(text: str) -> str:
    """A UID of an address: hostile text is no UID of ours, and must not make the database complain."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _first(rows: QuerySet[RowT]) -> RowT | None:
    return next(iter(rows[:1]), None)


def _refuse(listed: QuerySet[Any], actor: Actor, subject_type: str, uid: str, right: Right) -> NoReturn:
    """Record the refusal and raise; absent and forbidden take the same queries, so that time tells nothing either."""
    known = right is not Right.LIST and listed.exists()
    audit.record(
        audit.Action.STUDY_REFUSED,
        actor=actor,
        subject_type=subject_type,
        subject_uid=uid,
        outcome=audit.Outcome.REFUSED,
        detail={"right": right.value},
    )
    if known:
        raise RightMissing(right.value)
    raise StudyNotVisible(uid)


def _record(
    study: Study, scope: Scope, *, actor: Actor, purpose: Purpose, detail: Mapping[str, Any] | None = None
) -> None:
    base = scope.opened_as_prior(study.study_instance_uid)
    action = _ACTIONS.get(Purpose.PRIOR if base and purpose is Purpose.OPEN else purpose)
    if action is None:
        return
    said = {**(detail or {}), "purpose": purpose.value, **({"prior_of": base} if base else {})}
    emergency = _emergency(study, scope)
    if emergency is not None:
        said |= {"emergency": emergency.source.partition(":")[2], "purpose_of_use": emergency.reason}
    if lenders := _lenders(study, scope):
        said["collections"] = lenders
    event: dict[str, Any] = {
        "actor": actor,
        "subject_type": "study",
        "subject_uid": study.study_instance_uid,
        "patient_id": study.patient.patient_id,
        "issuer_of_patient_id": study.patient.issuer_of_patient_id,
        "detail": said,
    }
    if purpose is Purpose.EXPORT:
        audit.record(action, fail_closed=True, **event)
    else:
        # The first reading in an emergency is on record as such, however lately the same was read without.
        audit.record_read(action, begun=emergency.granted_at if emergency else None, **event)


def _lenders(study: Study, scope: Scope) -> list[str]:
    """The collections by which alone the reader has the study now. No query for whom nothing is lent."""
    if not scope.lent or Study.objects.visible_to(scope.without_lent()).filter(pk=study.pk).exists():
        return []
    return list(lending.names(study.pk, [key for key, _rights in scope.lent]).values())


def _emergency(study: Study, scope: Scope) -> Grant | None:
    """The grant of the emergency access under which the reader has the patient now. No query for whom nothing was granted."""
    if scope.own_place is None:
        return None
    granted = Grant.objects.live().filter(
        holder=scope.own_place, patient=study.patient_id, gives=Grant.Gives.EMERGENCY, basis=Grant.Basis.EMERGENCY
    )
    return granted.order_by("pk").last()
