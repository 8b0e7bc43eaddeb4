"""Trying the routing rules without an image: the rules and the function of the registrar, told rule by rule."""

from dataclasses import dataclass
from enum import StrEnum

from accounts import selectors as accounts
from accounts.models import Department
from imaging.ingest import routing, selectors
from imaging.ingest.models import ApplicationEntity
from imaging.ingest.routing import Facts, Rule
from imaging.studies.rows.incoming import PlannedPlacement


class Verdict(StrEnum):
    """What became of one rule."""

    FITS = "fits"
    MISFITS = "misfits"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule, in the order in which they are tried, with the names of the conditions that did not fit."""

    rule: Rule
    verdict: Verdict
    misfits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """Where a study would land, and how that came about. ``placements`` pairs a department with why it gets it."""

    rules: tuple[Tried, ...]
    placements: tuple[tuple[Department, PlannedPlacement], ...]
    is_known_sender: bool


def trial(facts: Facts) -> Trial:
    """Return what the registrar would do with a new study of which these are the facts."""
    rules = selectors.routing_rules()
    entity = (
        ApplicationEntity.objects.filter(ae_title__iexact=facts.calling_ae_title).first()
        if facts.calling_ae_title
        else None
    )
    own = list(entity.departments.filter(is_active=True).values_list("pk", flat=True)) if entity else []
    planned = routing.plan(facts, rules=rules, sender=facts.calling_ae_title, sender_department_ids=own)
    departments = {row.pk: row for row in accounts.departments_named(plan.department_id for plan in planned)}
    return Trial(
        rules=tuple(_tried(rules, facts)),
        placements=tuple(
            (departments[plan.department_id], plan) for plan in planned if plan.department_id in departments
        ),
        is_known_sender=entity is not None,
    )


def _tried(rules: list[Rule], facts: Facts) -> list[Tried]:
    told: list[Tried] = []
    is_decided = False
    for rule in rules:
        misfits = rule.misfits(facts)
        verdict = Verdict.NOT_ASKED if is_decided else Verdict.MISFITS if misfits else Verdict.FITS
        told.append(Tried(rule, verdict, () if is_decided else misfits))
        is_decided = is_decided or not misfits
    return told
