"""What a share shows now, as a scope: asked anew at every request, so that whatever ends it ends it everywhere at once.

A share never shows more than its department could share this very moment: a study that moved to another department, that was
protected, that turned out to be another person's, or whose patient opposes, is out of it without anybody touching the share.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from accounts.actor import SYSTEM, Actor
from accounts.roles import Door, Right
from accounts.scope import EMPTY, Scope, scope_of_departments
from imaging.sharing.copies import selectors as copies
from imaging.sharing.models import PartnerTransfer, Share, ShareItem, ShareVisit, TransferItem
from imaging.sharing.models.choices import Recipient
from imaging.sharing.record import selectors as records
from imaging.studies.models import Patient, PatientChoice, Study
from imaging.studies.oppositions import is_opposed
from imaging.studies.selectors import remaining_patient

_VIEWED: Final = frozenset({Right.LIST, Right.VIEW})
#: What somebody passed on: by a link, or into a partner's archive. The same is asked of both.
Passed = Share | PartnerTransfer
ItemT = TypeVar("ItemT", ShareItem, TransferItem)


def actor_of(share: Share, *, address: str = "", request_id: str = "") -> Actor:
    """Return who acts by a share, as the audit tells it."""
    return Actor(
        kind="share",
        id=str(share.pk),
        name=name_of(share),
        address=address,
        door=Door.SHARE,
        request_id=request_id,
    )


def name_of(share: Share) -> str:
    """Return the recipient as the audit names them, with the share."""
    named = share.recipient_name or share.recipient_email or share.recipient_phone or share.recipient
    return f"{named} ({share.key})"[:150]


def scope_of(visit: ShareVisit, *, actor: Actor) -> Scope:
    """Return what a visit may see now; nothing without the second proof, after its time, or when the share has ended."""
    share = visit.share
    if visit.proved_at is None or visit.ended_at is not None or not stands(share):
        return EMPTY
    until = min(visit.valid_until, share.valid_until)
    if records.is_record(share):
        return _scope_of_record(share, actor=actor, until=until)
    return _scope(share, live_items(share), actor=actor, until=until)


def stands(share: Share) -> bool:
    """Whether a share opens something now: its time, its state, and for a parent's link the age of the child."""
    return share.is_standing and not records.has_come_of_age(share)


def scope_of_preview(share: Share, *, actor: Actor) -> Scope:
    """Return what a recipient of this share would see, whether or not it stands yet: for its sender's eyes."""
    if records.is_record(share):
        return _scope_of_record(share, actor=actor, until=None)
    return _scope(share, live_items(share), actor=actor, until=None)


def _scope(share: Share, items: Iterable[ShareItem], *, actor: Actor, until: object) -> Scope:
    naming = _naming_copies(share, items, actor) if share.is_deidentified else _naming(items, actor)
    return replace(
        naming,
        rights=_VIEWED | ({Right.DOWNLOAD} if share.may_download else frozenset()),
        deidentified=share.is_deidentified,
        valid_until=until,  # type: ignore[arg-type]
        reason=f"share {share.key}",
    )


def _scope_of_record(share: Share, *, actor: Actor, until: object) -> Scope:
    """A scope that names the patient's own images, series by series; without them, only what was examined is told."""
    shown = records.shows(share)
    rights = {Right.LIST}
    if shown.images:
        rights |= {Right.VIEW, Right.DOWNLOAD} if shown.download else {Right.VIEW}
    return Scope(
        principal=actor,
        series=frozenset(records.shown_series(share).values_list("series_instance_uid", flat=True)),
        rights=frozenset(rights),
        valid_until=until,  # type: ignore[arg-type]
        reason=f"record {share.key}",
    )


def scope_of_transfer(transfer: PartnerTransfer, *, actor: Actor) -> Scope:
    """Return what may go to a partner now."""
    items = live_of(transfer, list(transfer.items.select_related("study", "series", "instance")))
    rights = _VIEWED | {Right.DOWNLOAD}
    return replace(_naming(items, actor), rights=rights, reason=f"sending to a partner {transfer.key}")


def _naming_copies(share: Share, items: Iterable[ShareItem], actor: Actor) -> Scope:
    """A scope that names the copies of these things, as far as they are ready, and never what they were made of."""
    if share.deidentification_id is None:
        return EMPTY
    ready = copies.ready_copies(share.deidentification_id, {item.study_id for item in items})
    return Scope(principal=actor, studies=ready)


def _naming(items: Iterable[ShareItem | TransferItem], actor: Actor) -> Scope:
    """A scope that names these things, and gives no right on them yet."""
    studies: set[str] = set()
    series: set[str] = set()
    instances: set[str] = set()
    for item in items:
        if item.instance is not None:
            instances.add(item.instance.sop_instance_uid)
        elif item.series is not None:
            series.add(item.series.series_instance_uid)
        else:
            studies.add(item.study.study_instance_uid)
    return Scope(principal=actor, studies=frozenset(studies), series=frozenset(series), instances=frozenset(instances))


def live_items(share: Share) -> list[ShareItem]:
    """Return what a share still opens: what its department may share now, of the patient whom it was made about."""
    return live_of(share, list(share.items.select_related("study", "series", "instance")))


def live_of(share: Passed, items: Sequence[ItemT]) -> list[ItemT]:
    """Return those of the things that were passed on which may still be."""
    if share.patient is not None and is_kept_back(share.patient, share.recipient):
        return []
    shareable = shareable_studies(share, {item.study_id for item in items})
    patients = _same_patient(share, {item.study.patient_id for item in items})
    return [item for item in items if item.study_id in shareable and item.study.patient_id in patients]


def shareable_studies(share: Passed, wanted: Iterable[int]) -> frozenset[int]:
    """Return which of these studies, by primary key, the share's department may share now."""
    department = scope_of_departments(
        principal=SYSTEM, departments=[share.department_id], rights=[Right.SHARE], reason="share"
    )
    rows = Study.objects.visible_to(department, Right.SHARE).filter(pk__in=list(wanted))
    return frozenset(rows.values_list("pk", flat=True))


def is_kept_back(patient: Patient, recipient: str) -> bool:
    """Whether the patient opposed that their images go to such a recipient."""
    use = PatientChoice.Use.PORTAL if recipient == Recipient.PATIENT else PatientChoice.Use.OUTSIDE
    return is_opposed(patient, use)


def _same_patient(share: Passed, patients: set[int]) -> frozenset[int]:
    """Return which of these patients is the one of the share: itself, or the record into which it was merged."""
    if share.patient_id is None:
        return frozenset(patients)
    if patients <= {share.patient_id}:
        return frozenset(patients)
    return frozenset({share.patient_id, remaining_patient(share.patient_id)})
