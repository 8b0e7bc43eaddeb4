"""What grants cost the study list: the same reader's list of a million studies without any, and with five thousand."""

import statistics
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Department, User
from accounts.scope import scope_of_user
from imaging.studies import selectors
from imaging.studies.models import Grant, Study
from imaging.studies.rows import granting
from imaging.studies.selectors import Order, StudyFilters
from tests.benchmarks.large_database import HELD, STUDIES

pytestmark = pytest.mark.django_db(transaction=True)

GRANTS = 5_000
ALLOWED = 1.10
_TIMES = 40
_ASKED = {
    "the latest": (StudyFilters(), Order.LATEST),
    "of one modality": (StudyFilters(modalities=("CT",)), Order.LATEST),
    "by name": (StudyFilters(), Order.NAME),
}


def _grant(user: User) -> None:
    """Grants to the person's own place, spread over studies that the reader's departments do not have."""
    place = accounts.own_place_of(user, site=Department.objects.get(code=HELD[0]).site)
    others = Study.objects.exclude(placements__department__code__in=HELD).order_by("pk")
    step = max(1, others.count() // GRANTS)
    keys = list(others.values_list("pk", flat=True)[: GRANTS * step : step])[:GRANTS]
    until = timezone.now() + timedelta(days=7)
    Grant.objects.bulk_create(
        [Grant(holder=place, study_id=pk, basis=Grant.Basis.REQUEST, until=until) for pk in keys], batch_size=1000
    )
    for start in range(0, len(keys), 500):
        with transaction.atomic():
            granting.refresh(keys[start : start + 500])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE imaging_placement")


def _measured(user: User) -> dict[str, float]:
    """Seconds of each list, the median of many."""
    times: dict[str, list[float]] = {name: [] for name in _ASKED}
    for _time in range(_TIMES):
        for name, (filters, order) in _ASKED.items():
            begun = time.perf_counter()
            selectors.study_list(scope_of_user(user), filters, order=order)
            times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def _page(client: Client) -> float:
    """Seconds of the whole page, the median."""
    times = []
    for _time in range(20):
        begun = time.perf_counter()
        assert client.get("/").status_code == 200
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def test_five_thousand_grants_cost_the_list_a_tenth_at_most(
    radiologist: User, browser: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    _measured(radiologist)
    without, page_without = _measured(radiologist), _page(browser)
    _grant(radiologist)
    radiologist = User.objects.get(pk=radiologist.pk)
    seen = selectors.study_count(scope_of_user(radiologist)).number
    _measured(radiologist)
    granted, page_granted = _measured(radiologist), _page(browser)
    pairs = {**{name: (without[name], granted[name]) for name in _ASKED}, "the page": (page_without, page_granted)}
    met = all(after <= before * ALLOWED for before, after in pairs.values())
    with capsys.disabled():
        print(
            f"\n{'met   ' if met else 'MISSED'} {STUDIES} studies, 3 departments, {GRANTS} grants, {seen} studies seen"
        )
        for name, (before, after) in pairs.items():
            print(
                f"       {name}: {1000 * before:.1f} ms without, {1000 * after:.1f} ms with ({after / before - 1:+.0%})"
            )
    assert met
