"""The nightly look into who looked, and what a reviewer decides about it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actor import SYSTEM, Actor
from accounts.audit import looks
from accounts.audit.actions import Action
from accounts.audit.models import AccessReview, AuditPolicy, SnoopingSignal
from accounts.audit.record import Entry, record, record_many
from accounts.audit.snooping import CareRelations, Habit, Look, is_unusual_volume, signals_of, weight_of
from accounts.models import Membership, User
from accounts.selectors import only_site

#: So many days are caught up after an outage; who needs older ones asks for them by the command.
_MOST_DAYS: Final = 14
_FIRST_HOUR: Final = 2

_relations: list[CareRelations] = []


def register(relations: CareRelations) -> None:
    """Have a package that knows patients answer what this one cannot. The last one to register answers."""
    _relations[:] = [relations]


def policy() -> AuditPolicy:
    """Return what the hospital decided about its audit."""
    return AuditPolicy.objects.get_or_create(pk=1)[0]


def zone_of_hospital() -> dt.tzinfo:
    """Return the zone in which the hospital's days begin."""
    site = only_site()
    return site.zone if site else timezone.get_default_timezone()


def review_days() -> int:
    """Look into every whole day that nobody has looked into; return how many reviews were opened. To be called hourly."""
    zone = zone_of_hospital()
    now = timezone.localtime(timezone=zone)
    if not policy().reviews_nightly or now.hour < _FIRST_HOUR:
        return 0
    opened = 0
    yesterday = now.date() - dt.timedelta(days=1)
    for _turn in range(_MOST_DAYS):
        with transaction.atomic():
            # Two workers would look into the same day.
            held = AuditPolicy.objects.select_for_update().get(pk=1)
            first = max(
                held.reviewed_through or yesterday - dt.timedelta(days=1), now.date() - dt.timedelta(_MOST_DAYS)
            )
            day = first + dt.timedelta(days=1)
            if day > yesterday:
                break
            opened += review_day(day, zone=zone)
            held.reviewed_through = day
            held.save(update_fields=["reviewed_through"])
    return opened


@transaction.atomic
def review_day(day: dt.date, *, zone: dt.tzinfo) -> int:
    """Open a review for each look of that day whose signals weigh enough; return how many. A second time adds nothing."""
    wanted = policy()
    found = list(looks.looks_of_day(day, zone=zone))
    if not found:
        return 0
    actors = sorted({look.actor_id for look in found})
    habits = looks.habits_before(day, actors, zone=zone)
    rows = [*_about_patients(day, found, habits, wanted), *_about_volume(day, found, habits, wanted, zone)]
    known = set(AccessReview.objects.filter(day=day, actor_kind="user").values_list(*_KEY))
    fresh = [row for row in rows if tuple(getattr(row, name) for name in _KEY) not in known]
    AccessReview.objects.bulk_create(fresh, batch_size=500)
    record_many(_told(row) for row in fresh)
    return len(fresh)


_KEY: Final = ("actor_id", "patient_id", "issuer_of_patient_id")


def _told(row: AccessReview) -> Entry:
    return Entry(
        action=Action.ACCESS_SUSPECTED,
        actor=SYSTEM,
        subject_type="accessreview",
        subject_uid=str(row.pk),
        patient_id=row.patient_id,
        issuer_of_patient_id=row.issuer_of_patient_id,
        detail={"person": row.actor_name, "signals": row.signals, "weight": row.weight},
    )


def _about_patients(
    day: dt.date, found: Sequence[Look], habits: Mapping[str, Habit], wanted: AuditPolicy
) -> Iterable[AccessReview]:
    relations = _relations[0] if _relations else None
    facts = relations.facts({look.patient for look in found}) if relations else {}
    related = set(relations.related(found)) if relations else set()
    names = _family_names({look.actor_id for look in found})
    for look in found:
        signals = signals_of(
            look,
            family_names=names.get(look.actor_id, ()),
            facts=facts.get(look.patient),
            is_related=(look.actor_id, look.patient) in related if relations else None,
            habit=habits[look.actor_id],
        )
        signals = [signal for signal in signals if signal in wanted.signals]
        if signals and weight_of(signals) >= wanted.threshold:
            yield _row(day, look, signals, weight_of(signals), look.events)


def _about_volume(
    day: dt.date, found: Sequence[Look], habits: Mapping[str, Habit], wanted: AuditPolicy, zone: dt.tzinfo
) -> Iterable[AccessReview]:
    if SnoopingSignal.VOLUME not in wanted.signals:
        return
    by_actor: dict[str, list[Look]] = defaultdict(list)
    for look in found:
        by_actor[look.actor_id].append(look)
    peers = _peers(by_actor, looks.bounds(day, zone)[0])
    for actor, seen in by_actor.items():
        others = [len(by_actor[peer]) for peer in peers[actor]]
        own = habits[actor].patients_per_day
        if is_unusual_volume(len(seen), own=own, peers=others, usual=wanted.usual_patients):
            whole = Look(
                actor,
                seen[0].actor_name,
                seen[0].patient._replace(patient_id="", issuer_of_patient_id=""),
                min(look.first_at for look in seen),
                max(look.last_at for look in seen),
                sum(look.events for look in seen),
                frozenset(),
            )
            row = _row(day, whole, [SnoopingSignal.VOLUME], weight_of([SnoopingSignal.VOLUME]), whole.events)
            row.detail = {"patients": len(seen), "own_days": sorted(own)[-10:], "peers": sorted(others)[-10:]}
            yield row


def _row(day: dt.date, look: Look, signals: Sequence[SnoopingSignal], weight: int, events: int) -> AccessReview:
    return AccessReview(
        day=day,
        actor_kind="user",
        actor_id=look.actor_id,
        actor_name=look.actor_name,
        patient_id=look.patient.patient_id,
        issuer_of_patient_id=look.patient.issuer_of_patient_id,
        signals=[signal.value for signal in signals],
        weight=weight,
        looks=events,
        first_at=look.first_at,
        last_at=look.last_at,
        detail={"hours": sorted(look.hours)} if look.hours else {},
    )


def _family_names(actor_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the family names of people: the last name, or the last word of the name to show where there is none."""
    rows = User.objects.filter(pk__in=[int(actor) for actor in actor_ids if actor.isdigit()])
    return {str(user.pk): (user.last_name or (user.display_name.split() or [""])[-1],) for user in rows}


def _peers(actors: Collection[str], moment: dt.datetime) -> dict[str, set[str]]:
    """Return who worked in the same departments, in the same role, on that day."""
    people = [int(actor) for actor in actors if actor.isdigit()]
    held = Membership.objects.active_at(moment + dt.timedelta(hours=12)).by_place().filter(user__in=people)
    groups: dict[tuple[int, str], set[str]] = defaultdict(set)
    for user, department, role in held.values_list("user_id", "place", "role"):
        groups[department, role].add(str(user))
    found: dict[str, set[str]] = {actor: set() for actor in actors}
    for group in groups.values():
        for actor in group:
            found[actor] |= group - {actor}
    return found


@transaction.atomic
def decide(*, actor: Actor, user: User, review: AccessReview, state: str, note: str) -> AccessReview:
    """Write down what came of a review. Raises :class:`ValidationError` without a note, and for one's own accesses."""
    locked = AccessReview.objects.select_for_update().get(pk=review.pk)
    if locked.actor_kind == "user" and locked.actor_id == str(user.pk):
        raise ValidationError(_("Nobody reviews their own accesses: leave this one to a colleague."))
    if state not in AccessReview.State.values:
        raise ValidationError(_("“%(value)s” is not a choice."), params={"value": state})
    if not note.strip():
        raise ValidationError({"note": _("Write down what you found, in a sentence: it is read by who asks later.")})
    before = locked.state
    locked.state, locked.note = state, note.strip()
    locked.decided_by, locked.decided_at = user, timezone.now()
    locked.full_clean()
    locked.save(update_fields=["state", "note", "decided_by", "decided_at"])
    record(
        Action.ACCESS_REVIEWED,
        actor=actor,
        subject_type="accessreview",
        subject_uid=str(locked.pk),
        patient_id=locked.patient_id,
        issuer_of_patient_id=locked.issuer_of_patient_id,
        detail={"person": locked.actor_name, "before": before, "after": state, "note": locked.note},
    )
    return locked
