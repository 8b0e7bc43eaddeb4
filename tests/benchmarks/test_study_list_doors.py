"""A million studies through every door that lists them: the page, QIDO-RS, the REST API; a study's page; the admin."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test import Client

from accounts import throttling
from accounts.models import Department, User
from imaging.studies.models import Placement
from imaging.studies.selectors import StudyFilters
from imaging.viewer.list_columns import ORDERS
from tests import large_archive
from tests.benchmarks.asked_of_lists import TEXTS, VALUES
from tests.benchmarks.large_database import HELD, STUDIES
from tests.benchmarks.timing import Spent, line, spent
from tests.factories import arrivals
from tests.factories.accounts import UserFactory
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = 0.100
QIDO = 0.050


def query(filters: StudyFilters, *, q: str = "q", body: str = "body", **more: str) -> str:
    """The filters as an address has them."""
    asked = QueryDict(mutable=True)
    for name, value in (("from", filters.date_from), ("to", filters.date_to)):
        if value:
            asked[name] = value.isoformat()
    for name, text in ((q, filters.search[:128]), ("referring", filters.referring), *more.items()):
        if text:
            asked[name] = text
    for name, values in (
        ("modality", filters.modalities),
        (body, filters.body_parts),
        ("status", filters.statuses),
        ("source", filters.sources),
    ):
        asked.setlist(name, [str(value) for value in values])
    return asked.urlencode()


def answered(browser: Client, address: str, **headers: str) -> Callable[[], bytes]:
    """A request that is answered whole."""

    def ask() -> bytes:
        answer = browser.get(address, headers=headers)
        assert answer.status_code == 200, (address, answer.status_code)
        return answer.content

    return ask


def test_the_page_of_every_order_and_filter(browser: Client, capsys: pytest.CaptureFixture[str]) -> None:
    addresses = [f"/?{query(filters, order=name)}" for filters in (VALUES | TEXTS).values() for name in ORDERS]
    for address in addresses[:20]:
        answered(browser, address)()
    times = [spent(answered(browser, address)) for address in addresses]
    said = line(f"{STUDIES} studies, {len(times)} whole pages of the list, once each", times, PAGE)
    with capsys.disabled():
        print("\n" + said)
    assert said.startswith("met")


def test_an_unchanged_list_is_told_so(browser: Client, capsys: pytest.CaptureFixture[str]) -> None:
    etag = browser.get("/studies/rows")["ETag"]

    def ask() -> None:
        assert browser.get("/studies/rows", headers={"If-None-Match": etag}).status_code == 304

    times = [spent(ask) for _ in range(40)]
    said = line(f"{STUDIES} studies, has the list changed? (304, every 4 s from each open list)", times, PAGE)
    with capsys.disabled():
        print("\n" + said)
    assert said.startswith("met")


def test_the_latest_fifty_by_qido(browser: Client, capsys: pytest.CaptureFixture[str]) -> None:
    ask = answered(browser, "/dicom-web/studies?limit=50", Accept="application/dicom+json")
    ask()
    said = line(f"{STUDIES} studies, latest 50 by QIDO-RS", [spent(ask) for _ in range(60)], QIDO)
    with capsys.disabled():
        print("\n" + said)
    assert said.startswith("met")


def test_the_list_by_the_rest_api(browser: Client, capsys: pytest.CaptureFixture[str]) -> None:
    times = []
    for filters in (VALUES | TEXTS).values():
        for order in ("-study_at", "name_norm", "-instance_count"):
            address = f"/api/v1/studies?{query(filters, q='search', body='body_part', order=order, limit='50')}"
            times.append(_unthrottled(answered(browser, address)))
    said = line(f"{STUDIES} studies, {len(times)} lists by the REST API, 50 studies each", times, PAGE)
    with capsys.disabled():
        print("\n" + said)
    assert said.startswith("met")


def _unthrottled(ask: Callable[[], bytes]) -> Spent:
    cache.clear()
    throttling.begin_anew()
    return spent(ask)


def test_a_study_and_its_panel(browser: Client, archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    study = arrivals.uid()
    for _ in range(4):
        series = arrivals.uid()
        archive.receive(
            *(
                arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number)
                for number in range(1, 26)
            ),
            department=Department.objects.get(code=HELD[1]),
        )
    assert Placement.objects.filter(study__study_instance_uid=study).exists()
    # An archive that is in use has statistics of its images too.
    with large_archive.owner_of(connection.settings_dict["NAME"]) as owner:
        owner.execute("ANALYZE")
    lines = []
    for what, address in (
        ("the panel beside the list", f"/studies/{study}/preview"),
        ("a study's page", f"/studies/{study}/"),
    ):
        ask = answered(browser, address)
        ask()
        lines.append(line(f"{STUDIES} studies, {what}", [spent(ask) for _ in range(30)], PAGE))
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert all(one.startswith("met") for one in lines)


def test_the_first_page_of_the_admin(large_archive_in_use: None, capsys: pytest.CaptureFixture[str]) -> None:
    administrator: User = UserFactory.create(username=f"admin-{arrivals.uid()[-12:]}", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(administrator)
    ask = answered(client, "/admin/")
    ask()
    said = line(f"{STUDIES} studies, the admin's first page with its plots", [spent(ask) for _ in range(10)], 5 * PAGE)
    with capsys.disabled():
        print("\n" + said)
    assert said.startswith("met")
