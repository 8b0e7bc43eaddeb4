"""The change feed tells a reader what left the reader's scope, and a stranger nothing."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import Department
from accounts.roles import Right
from accounts.scope import EMPTY, Scope, scope_of_departments, system_scope
from imaging.events import changes
from imaging.events.models import Change
from imaging.pipeline import steps
from imaging.studies import services as studies
from imaging.studies.changes import changes_after, extent
from imaging.studies.correction import withdrawal
from imaging.studies.models import InstanceVersion, Placement, Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories import arrivals

pytestmark = pytest.mark.django_db


def reader(*departments: Department, right: Right = Right.LIST) -> Scope:
    """Who may list these departments."""
    return scope_of_departments(principal=SYSTEM, departments=departments, rights=[right], reason="test")


def told(scope: Scope, after: int = 0) -> list[tuple[str, str]]:
    """Kind and study of every line that the reader is told."""
    return [(line.kind, line.study_instance_uid) for line in changes_after(scope, after).changes]


def end() -> int:
    """The feed's last number, once everything was drained."""
    steps.drain()
    return changes.bounds()[1]


@pytest.fixture
def arrive(data_dir: Path) -> Callable[..., Study]:
    """A new study, placed in these departments and told."""

    def make(*departments: Department) -> Study:
        made = arrivals.dataset()
        studies.register([arrivals.incoming(made, data_dir / "arrived", *departments)], actor=SYSTEM)
        steps.drain()
        return Study.objects.get(study_instance_uid=made.StudyInstanceUID)

    return make


def withdraw(study: Study) -> list[int]:
    """Withdraw everything of a study."""
    versions = list(InstanceVersion.objects.filter(instance__study=study).values_list("pk", flat=True))
    withdrawal.withdraw(versions, actor=SYSTEM, reason="wrong patient")
    return versions


def test_a_study_taken_out_of_a_department_is_told_to_it_alone(
    arrive: Callable[..., Study], emergency: Department, orthopaedics: Department
) -> None:
    study = arrive(emergency)
    uid, after = study.study_instance_uid, end()
    studies.remove_placement(Placement.objects.get(study=study), actor=SYSTEM)
    assert not Study.objects.visible_to(reader(emergency)).exists(), "it is gone at once, before anybody is told"
    end()
    assert told(reader(emergency), after) == [("study.removed", uid)]
    assert told(reader(emergency)) == [("study.removed", uid)], "earlier lines of it are told no more"
    assert told(reader(orthopaedics)) == []
    assert told(EMPTY) == []
    assert told(reader(emergency, right=Right.WRITE)) == [], "who could not list it does not learn of it"
    assert {kind for kind, _uid in told(system_scope("test"))} == {"study.changed"}, "the archive still has it"
    assert not Placement.objects.filter(study=study).exists()
    studies_left = Change.objects.filter(kind=Change.Kind.STUDY_REMOVED).count()
    end()
    assert Change.objects.filter(kind=Change.Kind.STUDY_REMOVED).count() == studies_left, "it is told once"


def test_a_placement_whose_time_is_over_is_told_without_anybody_doing_anything(
    arrive: Callable[..., Study], emergency: Department, orthopaedics: Department
) -> None:
    study = arrive(emergency)
    plan = PlannedPlacement(orthopaedics.pk, "grant", "by_hand", "admin")
    placed = studies.place_study(study, plan, until=timezone.now() + timedelta(hours=1), actor=SYSTEM)
    after = end()
    assert told(reader(orthopaedics), after) == []
    Placement.objects.filter(pk=placed.pk).update(until=timezone.now() - timedelta(seconds=1))
    end()
    assert told(reader(orthopaedics), after) == [("study.removed", study.study_instance_uid)]
    assert told(reader(emergency), after) == []


def test_who_keeps_a_study_through_another_department_is_not_told(
    arrive: Callable[..., Study], emergency: Department, orthopaedics: Department
) -> None:
    study = arrive(emergency, orthopaedics)
    after = end()
    studies.remove_placement(Placement.objects.get(study=study, department=orthopaedics), actor=SYSTEM)
    end()
    both, one = reader(emergency, orthopaedics), reader(orthopaedics)
    assert [kind for kind, _uid in told(both, after)] == ["study.changed"]
    assert [kind for kind, _uid in told(one, after)] == ["study.removed"]


def test_a_withdrawn_study_is_told_and_its_return_too(
    arrive: Callable[..., Study], emergency: Department, orthopaedics: Department
) -> None:
    study = arrive(emergency)
    uid, after = study.study_instance_uid, end()
    versions = withdraw(study)
    end()
    assert told(reader(emergency), after) == [("study.removed", uid)]
    assert told(reader(orthopaedics), after) == []
    decided = {pk: withdrawal.Decided(attributes={}, origin="desk") for pk in versions}
    withdrawal.reinstate(decided, actor=SYSTEM, reason="right after all")
    end()
    assert set(told(reader(emergency), after)) == {("study.changed", uid)}, "what came back is not reported gone"


def test_a_protected_study_is_reported_gone_to_the_cleared_alone(
    arrive: Callable[..., Study], emergency: Department
) -> None:
    study = arrive(emergency)
    Study.objects.update(sensitivity="vip")
    Placement.objects.update(sensitivity="vip")
    after = end()
    studies.remove_placement(Placement.objects.get(study=study), actor=SYSTEM)
    end()
    cleared = scope_of_departments(principal=SYSTEM, departments=[emergency], rights=[Right.LIST], reason="test")
    assert told(reader(emergency), after) == []
    object.__setattr__(cleared, "clearances", frozenset({(emergency.pk, "vip")}))
    assert told(cleared, after) == [("study.removed", study.study_instance_uid)]


def test_a_study_placed_again_before_it_was_told_has_never_left(
    arrive: Callable[..., Study], emergency: Department
) -> None:
    study = arrive(emergency)
    after = end()
    placed = Placement.objects.get(study=study)
    studies.remove_placement(placed, actor=SYSTEM)
    plan = PlannedPlacement(emergency.pk, "owner", "by_hand", "admin")
    again = studies.place_study(study, plan, actor=SYSTEM)
    assert again.until is None
    end()
    assert Study.objects.visible_to(reader(emergency)).exists()
    assert {kind for kind, _uid in told(reader(emergency), after)} == {"study.changed"}


def test_the_extent_of_a_scope_changes_with_its_departments_alone(
    emergency: Department, orthopaedics: Department
) -> None:
    assert extent(reader(emergency)) == extent(reader(emergency))
    assert extent(reader(emergency)) == extent(reader(emergency).without_priors())
    others = [reader(orthopaedics), reader(emergency, orthopaedics), EMPTY, reader(emergency, right=Right.WRITE)]
    assert extent(reader(emergency)) not in [extent(other) for other in others]
