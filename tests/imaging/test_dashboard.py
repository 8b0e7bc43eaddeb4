"""The admin's first page: each figure is true, leads to its list, and is shown only to whom the list is."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import AuditEvent, Department
from imaging import queues
from imaging.events import jobs
from imaging.ingest import receipts
from imaging.ingest.models import ApplicationEntity
from imaging.storage.models import CopyOrder, StoredObject
from imaging.studies import services as studies
from imaging.studies.models import Study
from tests.factories.accounts import UserFactory
from tests.factories.arrivals import dataset, incoming

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, data_dir: Path) -> Client:
    """The administrator's browser."""
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def tiles(desk: Client) -> dict[str, Any]:
    return {tile.label: tile for tile in desk.get(reverse("admin:index")).context["tiles"]}


def plots(desk: Client) -> dict[str, Any]:
    return {plot.key: plot for plot in desk.get(reverse("admin:index")).context["plots"]}


def waiting_copy(problem: str = "") -> CopyOrder:
    digest = f"{CopyOrder.objects.count():064d}"
    content = StoredObject.objects.create(kind="dicom", file_sha256=digest, length=1)
    return CopyOrder.objects.create(stored_object=content, tier="tier-away", problem=problem)


def test_an_empty_portal_has_nothing_to_complain_about(desk: Client) -> None:
    states = {label: tile.state for label, tile in tiles(desk).items() if not label.startswith("Storage")}
    assert set(states.values()) == {"ok"}
    assert all(not plot.most for plot in plots(desk).values())


def test_what_needs_somebody_is_marked_and_every_tile_opens_its_list(desk: Client) -> None:
    jobs.enqueue([jobs.Ask("thumbnails", "1.2", "1.9")])
    claimed = jobs.claim(queues.SHORT)
    assert claimed is not None
    jobs.fail(claimed, code="busy", final=True)
    ApplicationEntity.objects.create(ae_title="CT1", silence_hours=2, silent_since=timezone.now())
    waiting_copy()
    waiting_copy("key_refused")
    found = tiles(desk)
    assert (found["Failed steps"].value, found["Failed steps"].state) == ("1", "bad")
    assert (found["Silent senders"].detail, found["Silent senders"].state) == ("CT1", "bad")
    assert (found["Copies waiting: tier-away"].value, found["Copies waiting: tier-away"].state) == ("2", "bad")
    for tile in found.values():
        assert desk.get(tile.address).status_code == 200, tile.label
    for plot in plots(desk).values():
        assert desk.get(plot.address).status_code == 200, plot.key


def test_the_plots_count_what_came_and_what_was_made(desk: Client, data_dir: Path, emergency: Department) -> None:
    studies.register([incoming(dataset(), data_dir / "spool", emergency)], actor=SYSTEM)
    Study.objects.update(study_at=timezone.now(), modalities=["CT", "SR"])
    receipts.record([receipts.Handed(door="dimse", sender="CT1", outcome="new")] * 3)
    receipts.record([receipts.Handed(door="dimse", sender="CT1", outcome="refused")])
    shown = plots(desk)
    assert [bar.value for bar in shown["days"].bars][-1] == 1
    assert len(shown["days"].bars) == 30
    assert [(bar.label, bar.value) for bar in shown["modalities"].bars] == [("CT", 1), ("SR", 1)]
    assert sum(bar.value for bar in shown["hours"].bars) == 3
    assert sum(bar.extra for bar in shown["hours"].bars) == 1
    Study.objects.update(study_at=timezone.now() - timedelta(days=40))
    assert not plots(desk)["days"].most


def test_the_first_page_asks_no_more_when_there_is_more(desk: Client) -> None:
    tiles(desk)
    with CaptureQueriesContext(
        connection,
    ) as few:
        tiles(desk)
    for number in range(5):
        waiting_copy("store_full" if number else "")
        ApplicationEntity.objects.create(ae_title=f"CT{number}", silence_hours=1, silent_since=timezone.now())
    with CaptureQueriesContext(connection) as more:
        tiles(desk)
    assert len(more) <= len(few) + 2


def test_who_may_not_open_a_list_is_not_shown_its_figure(client: Client, data_dir: Path) -> None:
    user = UserFactory.create(is_staff=True)
    client.force_login(user)
    assert not client.get(reverse("admin:index")).context["tiles"]
    user.user_permissions.set(Permission.objects.filter(codename="view_job"))
    assert set(tiles(client)) == {"Failed steps", "Jobs waiting"}


def test_the_copies_of_a_tier_are_tried_again_and_that_is_on_record(desk: Client) -> None:
    CopyOrder.objects.filter(pk=waiting_copy("store_full").pk).update(due_at=timezone.now() + timedelta(hours=1))
    address = reverse("admin:imaging_storage_tiers")
    page = desk.get(address).content.decode()
    assert "The store is full: 1" in page
    assert "is not set up any more" in page
    desk.post(address, {"tier": "tier-away"})
    assert CopyOrder.objects.get().due_at <= timezone.now()
    assert AuditEvent.objects.get(action="step.retried").subject_uid == "tier-away"
    desk.post(address, {"tier": "no such"})
    assert AuditEvent.objects.filter(action="step.retried").count() == 1


def test_who_may_only_look_tries_nothing(client: Client, data_dir: Path) -> None:
    user = UserFactory.create(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_copyorder"))
    client.force_login(user)
    waiting_copy("store_full")
    address = reverse("admin:imaging_storage_tiers")
    assert "Try the failed copies now" not in client.get(address).content.decode()
    assert client.post(address, {"tier": "tier-away"}).status_code == 403
