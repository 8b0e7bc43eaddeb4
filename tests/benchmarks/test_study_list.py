"""The study list of an archive of a million studies: every order with every filter, deep pages, totals."""

import pytest

from accounts.scope import Scope
from imaging.studies import selectors
from imaging.studies.finding import list_scan
from imaging.studies.finding.list_choices import list_choices
from imaging.studies.finding.list_cursor import Place
from imaging.studies.selectors import Order, StudyFilters
from tests.benchmarks.asked_of_lists import TEXTS, VALUES
from tests.benchmarks.large_database import STUDIES
from tests.benchmarks.timing import Spent, line, spent, usually

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = 0.100
TOTAL = 0.200
TOTAL_AT_ONCE = 0.100
TOTAL_OF_TEXT = 1.0


def test_every_order_with_every_filter_costs_a_page(scope: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    times = {
        (name, order): usually(lambda filters=filters, order=order: selectors.study_list(scope, filters, order=order))
        for name, filters in (VALUES | TEXTS).items()
        for order in Order
    }
    said = line(f"{STUDIES} studies, {len(times)} pairs of order and filter", list(times.values()), PAGE)
    with capsys.disabled():
        print("\n" + said)
        for name in VALUES | TEXTS:
            worst = max((one.clock, one.cpu, order) for (asked, order), one in times.items() if asked == name)
            print(
                f"         {name}: at worst {1000 * worst[0]:.0f} ms (processor {1000 * worst[1]:.0f} ms), {worst[2]}"
            )
    assert said.startswith("met")


def test_a_deep_page_costs_no_more_than_the_first(scope: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    first, deep = [], []
    for order in Order:
        middle = list_scan.keys(scope, StudyFilters(), order, None, limit=1, offset=STUDIES // 10).keys[0]
        for backwards in (False, True):
            place = Place(middle.value, middle.study_id, backwards)
            deep.append(
                usually(lambda order=order, place=place: list_scan.keys(scope, StudyFilters(), order, place, limit=50))
            )
        first.append(usually(lambda order=order: list_scan.keys(scope, StudyFilters(), order, None, limit=50)))
    said = line(f"{STUDIES} studies, page 2,000 in any order and direction", deep, PAGE)
    with capsys.disabled():
        print("\n" + said)
        print(line("       the first page, for comparison", first, PAGE).removeprefix("met   "))
    assert said.startswith("met")


def test_totals_are_exact_in_time(scope: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for kind, asked, target in (("values", VALUES, TOTAL), ("free text", TEXTS, TOTAL_OF_TEXT)):
        times = {
            name: usually(lambda filters=filters: selectors.study_count(scope, filters))
            for name, filters in asked.items()
        }
        slowest = max(times, key=lambda name, times=times: times[name].clock)
        lines.append(line(f"{STUDIES} studies, exact total by {kind}, at worst ({slowest})", [times[slowest]], target))
    at_once: list[Spent] = [
        usually(lambda filters=filters: selectors.study_count(scope, filters, exact=False))
        for filters in TEXTS.values()
    ]
    lines.append(line(f"{STUDIES} studies, at least 10,000 of free text", at_once, TOTAL_AT_ONCE))
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert all(one.startswith("met") for one in lines)


def test_the_choices_of_the_filters(scope: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    said = line(
        f"{STUDIES} studies, the choices of all filters", [spent(lambda: list_choices(scope)) for _ in range(20)], PAGE
    )
    with capsys.disabled():
        print("\n" + said)
    assert said.startswith("met")
