"""The one place where a scope becomes SQL (DESIGN 4, "Placement and scope").

Every level asks the same two questions, is the study placed with me (or named), and does anything visible remain in
it, so that a list, a page and a frame can never disagree. An empty scope sees nothing; rejected instances are seen by
nobody; a protected study is seen only by who is cleared for its label.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import SharesPriors
from accounts.roles import Right
from accounts.scope import PRIOR_RIGHTS, Scope
from imaging.studies import lending

ModelT = TypeVar("ModelT", bound=models.Model)


def _live() -> Q:
    return Q(until=None) | Q(until__gt=timezone.now())


#: Placements that are of a treating department, and not of what it was granted: what priors begin with.
_TREATING: Final = ("owner", "requesting")

#: What a placement gives its department: by a grant a study is looked at, taken away where the grant says so, and never
#: changed or passed on.
_GIVES: Final[Mapping[Right, tuple[str, ...]]] = MappingProxyType(
    {
        Right.DOWNLOAD: (*_TREATING, "grant_download"),
        Right.WRITE: _TREATING,
        Right.SHARE: _TREATING,
    }
)


def is_given_by(kind: str, right: Right) -> bool:
    """Whether a placement of this kind gives its department the right."""
    return right not in _GIVES or kind in _GIVES[right]


def _gives(right: Right) -> Q:
    """The condition on a placement that it gives `right`; listing and viewing is given by all."""
    return Q(kind__in=_GIVES[right]) if right in _GIVES else Q()


def _lies_with(scope: Scope, right: Right) -> Q:
    """The condition on a placement that the right is held in its department, and that its label keeps nothing back there.

    A placement has the label of its study, but for one of an emergency, which has none (``Placement.sensitivity``).
    """
    sets = sorted(scope.label_sets(right).items(), key=lambda item: sorted(item[0]))
    rule = Q(department__in=[])
    for labels, departments in sets:
        rule |= Q(department__in=sorted(departments), sensitivity__in=sorted(labels))
    return rule


def _placed(study: str, scope: Scope, right: Right) -> Exists:
    """Whether the study at the path `study` has a live placement in a department where the right is held.

    One EXISTS with every condition inside: separate joins would lend one department's right to another.
    """
    placement = apps.get_model("imaging", "Placement")
    return Exists(placement.objects.filter(_live(), _gives(right), _lies_with(scope, right), study=OuterRef(study)))


def shareable_by(study: str, department: str) -> Q:
    """The condition that the study at the path `study` may be passed on now by the department at `department`.

    It lies there by treatment, and no label keeps it back: who holds `Right.SHARE` there, cleared for none, could share it.
    """
    placement = apps.get_model("imaging", "Placement")
    placed = placement.objects.filter(
        _live(),
        _gives(Right.SHARE),
        study=OuterRef(study),
        department=OuterRef(department),
        department__is_active=True,
        sensitivity="",
    )
    return Q(Exists(placed))


def openable_as_prior(path: str, scope: Scope, bases: Iterable[str]) -> Q:
    """The condition that a study at `path` may be opened as an earlier one of the patient of one of `bases` (UIDs).

    The later study must be placed now where the reader treats patients, and the department that made the prior must
    share it with that place. Protected studies, and those of a patient who opposed it, are not shared at all.
    """
    prefix = f"{path}__" if path else ""
    placement = apps.get_model("imaging", "Placement")
    base = placement.objects.filter(
        _live(),
        _lies_with(scope, Right.VIEW),
        department__in=scope.care_departments(),
        kind__in=_TREATING,
        study__study_instance_uid__in=bases,
        study__instance_count__gt=0,
        study__patient=OuterRef("study__patient"),
        study__study_at__gte=OuterRef("study__study_at"),
    )
    same_site = base.filter(department__site=OuterRef("department__site"))
    owner = placement.objects.filter(
        _live(),
        Q(department__shares_priors=SharesPriors.EVERYONE) & Exists(base)
        | Q(department__shares_priors=SharesPriors.SITE) & Exists(same_site),
        study=OuterRef(path or "pk"),
        kind="owner",
    )
    return Q(Exists(owner)) & Q(**{f"{prefix}sensitivity": ""}) & without_opposition(f"{prefix}patient")


def without_opposition(patient: str, use: str = "departments") -> Q:
    """The condition that the patient at the path `patient` has not opposed a use (`PatientChoice.Use`)."""
    choice = apps.get_model("imaging", "PatientChoice")
    return ~Q(Exists(choice.objects.in_force().filter(patient=OuterRef(patient), use=use, answer="opposed")))


def _opened_as_prior(path: str, scope: Scope) -> Q:
    """The condition that a row's study was opened as a prior, and that the rule by which it was still holds."""
    prefix = f"{path}__" if path else ""
    named = Q(**{f"{prefix}study_instance_uid__in": {prior.study for prior in scope.priors}})
    return named & openable_as_prior(path, scope, {prior.of for prior in scope.priors})


def _study_rule(path: str, scope: Scope, right: Right, below: Q) -> Q:
    """The condition on a row whose study lies at `path` ("" for the study itself); `below` is true where a part of it is named.

    What is open by name is kept back by the study's label, what lies in a department by the placement's.
    """
    prefix = f"{path}__" if path else ""
    rule = Q(_placed(path or "pk", scope, right))
    if scope.named_with(right):
        named = Q(**{f"{prefix}study_instance_uid__in": scope.studies}) | Q(**{f"{prefix}patient__in": scope.patients})
        rule |= (named | below) & Q(**{f"{prefix}sensitivity__in": {"", *scope.cleared}})
    if scope.priors and right in PRIOR_RIGHTS:
        rule |= _opened_as_prior(path, scope)
    if keys := scope.lent_with(right):
        rule |= lending.condition(path or "pk", keys) & Q(**{f"{prefix}sensitivity": ""})
    return rule & Q(**{f"{prefix}instance_count__gt": 0})


def of_visible_study(path: str, scope: Scope, right: Right) -> Q:
    """The condition on any row that the study at `path` is seen with a right: asked row by row, so that a short list stays one."""
    if scope.is_empty:
        return Q(pk__in=[])
    if scope.is_unrestricted:
        return Q(**{f"{path}__instance_count__gt": 0})
    series = apps.get_model("imaging", "Series").objects.filter(series_instance_uid__in=scope.series)
    instances = apps.get_model("imaging", "Instance").objects.filter(sop_instance_uid__in=scope.instances)
    below = Q(pk__in=[])
    if scope.series:
        below |= Q(**{f"{path}__in": series.values("study")})
    if scope.instances:
        below |= Q(**{f"{path}__in": instances.values("study")})
    return _study_rule(path, scope, right, below)


class ScopedQuerySet(models.QuerySet[ModelT]):
    """A queryset that can be narrowed to what a scope may see with a right."""

    def visible_to(self, scope: Scope, right: Right = Right.LIST) -> Self:
        """Only the rows that `scope` holds `right` on now. An empty or expired scope gives none."""
        if scope.is_empty:
            return self.none()
        if scope.is_unrestricted:
            return self.filter(self._exists_at_all())
        return self.filter(self._rule(scope, right), self._exists_at_all())

    def _exists_at_all(self) -> Q:
        return Q()

    def _rule(self, scope: Scope, right: Right) -> Q:
        raise TypeError(f"{type(self).__name__} says no rule: it must not be read through a scope")


class PatientQuerySet(ScopedQuerySet[ModelT]):
    """Patients: visible through a visible study that is not only lent: of what is lent, the study names its patient."""

    def _rule(self, scope: Scope, right: Right) -> Q:
        study = apps.get_model("imaging", "Study")
        own = scope.without_lent()
        return Q(Exists(study.objects.visible_to(own, right).filter(patient=OuterRef("pk"))))


class StudyQuerySet(ScopedQuerySet[ModelT]):
    """Studies: placed, or named themselves, or by a series or an instance of theirs."""

    def _exists_at_all(self) -> Q:
        return Q(instance_count__gt=0)

    def _rule(self, scope: Scope, right: Right) -> Q:
        below = Q(pk__in=[])
        if scope.series:
            below |= Q(pk__in=self._named("Series", series_instance_uid__in=scope.series).values("study"))
        if scope.instances:
            below |= Q(pk__in=self._named("Instance", sop_instance_uid__in=scope.instances).values("study"))
        return _study_rule("", scope, right, below)

    @staticmethod
    def _named(model: str, **condition: object) -> "models.QuerySet[models.Model]":
        rows: models.QuerySet[models.Model] = apps.get_model("imaging", model).objects.filter(**condition)
        return rows


class SeriesQuerySet(ScopedQuerySet[ModelT]):
    """Series: their study is placed or named, or they are named themselves."""

    def _exists_at_all(self) -> Q:
        return Q(instance_count__gt=0)

    def _rule(self, scope: Scope, right: Right) -> Q:
        instance = apps.get_model("imaging", "Instance")
        named = instance.objects.filter(series=OuterRef("pk"), sop_instance_uid__in=scope.instances)
        return _study_rule("study", scope, right, Q(series_instance_uid__in=scope.series) | Q(Exists(named)))


class InstanceQuerySet(ScopedQuerySet[ModelT]):
    """Instances that are not rejected: their study is placed or named, or their series, or they themselves."""

    def _exists_at_all(self) -> Q:
        return Q(is_rejected=False)

    def _rule(self, scope: Scope, right: Right) -> Q:
        below = Q(series__series_instance_uid__in=scope.series) | Q(sop_instance_uid__in=scope.instances)
        return _study_rule("study", scope, right, below)


class PlacementQuerySet(ScopedQuerySet[ModelT]):
    """Placements of the reader's own departments: what a study list is read from.

    What the rule asks of the study lies on the placement too, copied with the list's keys, so that an index answers.
    """

    def live(self) -> Self:
        """Placements that have not ended."""
        return self.filter(_live())

    def held_by(self, scope: Scope, right: Right) -> Self:
        """As ``visible_to``, those of studies too of which everything was moved away or rejected: for who may undo that."""
        if scope.is_empty:
            return self.none()
        return self.filter(_live()) if scope.is_unrestricted else self.filter(_live(), self._rule(scope, right))

    def _exists_at_all(self) -> Q:
        return _live() & Q(instance_count__gt=0)

    def _rule(self, scope: Scope, right: Right) -> Q:
        return _gives(right) & _lies_with(scope, right)


class GrantQuerySet(models.QuerySet[ModelT]):
    """Grants by state."""

    def live(self) -> Self:
        """Grants that hold now."""
        return self.filter(Q(until=None) | Q(until__gt=timezone.now()), ended_at=None)


class PatientChoiceQuerySet(models.QuerySet[ModelT]):
    """What patients decided, by state."""

    def in_force(self) -> Self:
        """What was not withdrawn."""
        return self.filter(withdrawn_at=None)


class ProtectionQuerySet(models.QuerySet[ModelT]):
    """Labels by state."""

    def live(self) -> Self:
        """Labels that have not been taken off."""
        return self.filter(lifted_at=None)


class MetadataSegmentQuerySet(models.QuerySet[ModelT]):
    """Segments are read by series, behind the door that scoped it."""


class InstanceVersionQuerySet(models.QuerySet[ModelT]):
    """Versions are read by instance, behind the door that scoped it."""

    def current(self) -> Self:
        """The versions that are served."""
        return self.filter(state="current")


class CorrectionQuerySet(models.QuerySet[ModelT]):
    """Corrections are read by version, behind the door that scoped it."""

    def in_force(self) -> Self:
        """Those that have not been reverted."""
        return self.filter(reverted_at=None)

    def with_origin(self) -> Self:
        """With ``came_along``: whether the version was moved to its study after the correction was decided elsewhere."""
        moved = self.model._default_manager.filter(
            version=OuterRef("version"), pk__gt=OuterRef("pk"), reverted_at=None, attributes__has_key="0020000D"
        )
        return self.annotate(came_along=Exists(moved))

    def decided_here(self) -> Self:
        """Those that were decided about the study in which their version lies now."""
        return self.with_origin().filter(came_along=False)


class RepairQuerySet(models.QuerySet[ModelT]):
    """What was put right, by state; read behind the door that scoped its study."""

    def in_force(self) -> Self:
        """What has not been taken back."""
        return self.filter(reverted_at=None)


class MarkingQuerySet(ScopedQuerySet[ModelT]):
    """What readers put on images: seen with the image, by whoever may see it."""

    def _rule(self, scope: Scope, right: Right) -> Q:
        instance = apps.get_model("imaging", "Instance")
        return Q(instance__in=instance.objects.visible_to(scope, right))

    def _exists_at_all(self) -> Q:
        return Q(instance__is_rejected=False)
