"""Every order and every filter of the study list is answered by indexes: the plans say so, in an archive that is large enough."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.db import connection

from accounts.actor import SYSTEM
from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies import selectors
from imaging.studies.finding import list_scan
from imaging.studies.finding.list_cursor import Place
from imaging.studies.selectors import Order, Status, StudyFilters
from tests import large_archive
from tests.factories.accounts import DepartmentFactory

pytestmark = [pytest.mark.plans, pytest.mark.django_db(transaction=True)]

STUDIES = 40_000
FILTERS = {
    "nothing": StudyFilters(),
    "a common modality": StudyFilters(modalities=("CT",)),
    "a rare modality": StudyFilters(modalities=("ES", "IO")),
    "a day": StudyFilters(date_from=date(2026, 11, 20)),
    "years": StudyFilters(date_to=date(2022, 12, 31)),
    "a body part": StudyFilters(body_parts=("PROSTATE",)),
    "a status": StudyFilters(statuses=(Status.ATTENTION,)),
    "a source": StudyFilters(sources=("ES_01",)),
    "a name": StudyFilters(search="jeanne martin"),
    "the beginning of a name": StudyFilters(search="zw"),
    "an ID": StudyFilters(search="IPP000001234"),
    "a referring physician": StudyFilters(referring="el amrani"),
}


@pytest.fixture
def scope() -> Iterator[Scope]:
    """A reader of three of forty departments in an archive of forty thousand studies."""
    departments = [DepartmentFactory.create().pk for _ in range(40)]
    with large_archive.owner_of(connection.settings_dict["NAME"]) as owner:
        large_archive.load(owner, departments=departments, studies=STUDIES)
    with connection.cursor() as cursor:
        # As the embedded database has it: what is in memory is not dear to reach.
        cursor.execute("SET random_page_cost = 1.1; SET jit = off")
    held = frozenset((departments[number], frozenset({Right.LIST})) for number in (0, 5, 20))
    yield Scope(principal=SYSTEM, department_rights=held)
    connection.close()


def plans(ask: Callable[[], object]) -> list[dict[str, Any]]:
    """How the database would find the placements that ``ask`` reads, one plan per statement."""
    asked: list[tuple[str, Any]] = []

    def remember(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if "imaging_placement" in sql and not sql.startswith("EXPLAIN"):
            asked.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(remember):
        ask()
    found = []
    with connection.cursor() as cursor:
        for sql, parameters in asked:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
            plan = cursor.fetchone()[0]
            found.append((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def test_every_order_filter_and_count_is_answered_by_indexes(scope, monkeypatch):
    monkeypatch.setattr(list_scan, "FEW", 1000)
    _no_order_and_no_filter_reads_the_whole_table(scope)
    for backwards in (False, True):
        _deep_pages_are_ranges_of_the_orders_own_index_without_a_sort(scope, backwards)
    _counts_come_from_indexes_alone(scope)


def _no_order_and_no_filter_reads_the_whole_table(scope):
    for name, filters in FILTERS.items():
        for order in Order:
            for plan in plans(
                lambda filters=filters, order=order: list_scan.keys(scope, filters, order, None, limit=50)
            ):
                whole = [node for node in nodes(plan) if node["Node Type"] == "Seq Scan" and "Relation Name" in node]
                assert not whole, (name, order, plan)


def _deep_pages_are_ranges_of_the_orders_own_index_without_a_sort(scope, backwards):
    for order in Order:
        middle = list_scan.keys(scope, StudyFilters(), order, None, limit=1, offset=2000).keys[0]
        place = Place(middle.value, middle.study_id, backwards)
        for plan in plans(
            lambda order=order, place=place: list_scan.keys(scope, StudyFilters(), order, place, limit=50)
        ):
            types = [node["Node Type"] for node in nodes(plan)]
            assert types == ["Limit", "Index Only Scan"], (order, types)


def _counts_come_from_indexes_alone(scope):
    for name, filters in FILTERS.items():
        if not filters.has_text:
            for plan in plans(lambda filters=filters: selectors.study_count(scope, filters)):
                read = {node["Node Type"] for node in nodes(plan) if node.get("Relation Name") == "imaging_placement"}
                assert read == {"Index Only Scan"}, (name, plan)
