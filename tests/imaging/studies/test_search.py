"""The search of other systems, as far as its clients are slow: what is given out is what is in scope when its turn comes."""

from pathlib import Path

import pytest

from accounts.actor import SYSTEM, Actor
from accounts.labels import Label
from accounts.models import Department
from accounts.roles import Right
from accounts.scope import scope_of_departments
from imaging.studies import services as studies
from imaging.studies.finding import search
from imaging.studies.finding.search import Level, Search
from imaging.studies.models import Placement, Study
from tests.factories.arrivals import dataset, incoming

pytestmark = pytest.mark.django_db

PEER = Actor(kind="application_entity", id="1", name="WORKSTATION")


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES, Level.INSTANCE])
def test_what_leaves_the_scope_while_a_slow_client_reads_is_not_given_any_more(
    level: Level, data_dir: Path, emergency: Department
) -> None:
    studies.register([incoming(dataset(), data_dir / "spool", emergency) for _ in range(3)], actor=SYSTEM)
    scope = scope_of_departments(
        principal=PEER, departments=[emergency], rights={Right.LIST, Right.VIEW}, reason="test"
    )
    found = search.batches(scope, Search(level=level), actor=PEER, size=1)
    assert len(next(found).rows) == 1
    labelled = [studies.protect(study, Label.VIP, reason="test", actor=SYSTEM) for study in Study.objects.all()]
    assert next(found).rows == []
    for protection in labelled:
        studies.lift_protection(protection, reason="test", actor=SYSTEM)
    Placement.objects.all().delete()
    assert next(found).rows == []
