"""What can be done with one study of the reading list, beside reading it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from imaging.reports.models import ReadingItem
from imaging.reports.reading import selectors, services
from imaging.reports.reading.filters import ReadingFilters, Show
from imaging.studies.models import Placement, Study
from tests.imaging.reports.reading.conftest import ReaderOf, ToRead

pytestmark = pytest.mark.django_db


def _address(name: str, item: ReadingItem) -> str:
    return reverse(f"reports:{name}", args=[item.study.study_instance_uid])


def test_the_choices_of_a_study_name_the_colleagues_and_not_the_reader(
    to_read: ToRead, rita: User, ralf: User, client: Client
) -> None:
    item = to_read()
    client.force_login(rita)
    page = client.get(_address("reading-choices", item)).content.decode()
    assert "Ralf Noir" in page
    assert f'<option value="{rita.pk}">{rita.label}' not in page
    assert "<html" in page
    fragment = client.get(_address("reading-choices", item), headers={"HX-Request": "true"}).content.decode()
    assert "Ralf Noir" in fragment
    assert "<html" not in fragment


def test_a_study_given_to_a_colleague_is_theirs_and_they_hear_of_it(
    to_read: ToRead, rita: User, ralf: User, client: Client
) -> None:
    item = to_read()
    client.force_login(rita)
    answer = client.post(_address("reading-assign", item), {"colleague": ralf.pk, "list": "show=mine"})
    item.refresh_from_db()
    assert answer.url == f"{reverse('reports:reading')}?show=mine"
    assert item.assigned_to == ralf
    assert ralf.notifications.filter(kind="reading.assigned").exists()


def test_a_study_that_is_not_read_leaves_the_list_and_can_be_put_back(
    to_read: ToRead, rita: User, reader_of: ReaderOf, client: Client
) -> None:
    item = to_read()
    client.force_login(rita)
    client.post(_address("reading-leave", item), {"reason": "A test of the machine"})

    def listed(show: Show) -> list[int]:
        found = selectors.reading_list(reader_of(rita), ReadingFilters(show=show), limit=10)
        return [row.pk for row in found.items]

    assert (listed(Show.OPEN), listed(Show.NOT_READ)) == ([], [item.pk])
    assert "A test of the machine" in client.get(_address("reading-choices", item)).content.decode()
    client.post(_address("reading-leave", item), {"reason": ""})
    assert (listed(Show.OPEN), listed(Show.NOT_READ)) == ([item.pk], [])


def test_another_priority_moves_the_clock_and_a_signed_study_keeps_its_own(
    to_read: ToRead, rita: User, client: Client
) -> None:
    item = to_read()
    client.force_login(rita)
    client.post(_address("reading-priority", item), {"priority": "0"})
    item.refresh_from_db()
    assert (item.priority, item.due_at - item.ready_at) == (0, timedelta(hours=1))
    services.follow(item.study, state="final", is_over=True)
    client.post(_address("reading-priority", item), {"priority": "2"})
    item.refresh_from_db()
    assert item.priority == 0


@pytest.mark.parametrize("name", ["take", "give-back", "assign", "priority", "leave", "choices"])
def test_a_reader_of_another_department_finds_no_such_study(
    name: str, to_read: ToRead, rita: User, alice: User, client: Client
) -> None:
    item = to_read()
    method = "get" if name == "choices" else "post"
    client.force_login(alice)
    assert getattr(client, method)(_address(f"reading-{name}", item)).status_code == 403
    client.force_login(rita)
    absent = reverse(f"reports:reading-{name}", args=["1.2.3.4"])
    assert getattr(client, method)(absent).status_code == 404


def test_what_a_colleague_held_when_they_left_can_be_taken_over(
    to_read: ToRead, rita: User, ralf: User, reader_of: ReaderOf, client: Client
) -> None:
    item = to_read()
    services.take(reader_of(ralf), item)
    Membership.objects.filter(user=ralf).delete()
    User.objects.filter(pk=ralf.pk).update(is_active=False)
    client.force_login(rita)
    assert "Ralf Noir" in client.get(reverse("reports:reading")).content.decode()
    client.post(_address("reading-take", item), {"over": "yes"})
    item.refresh_from_db()
    assert item.locked_by == rita


def test_a_study_that_lost_its_images_leaves_the_list(to_read: ToRead, rita: User, reader_of: ReaderOf) -> None:
    item = to_read()
    # As it is when all of them were moved to another study.
    Study.objects.filter(pk=item.study_id).update(instance_count=0)
    Placement.objects.filter(study=item.study_id).update(instance_count=0)
    assert selectors.reading_list(reader_of(rita), ReadingFilters(), limit=10).items == []


def test_rows_carry_no_token_so_that_they_are_the_same_at_each_refresh(
    to_read: ToRead, rita: User, client: Client
) -> None:
    to_read()
    client.force_login(rita)
    assert "csrfmiddlewaretoken" not in client.get(reverse("reports:reading-rows")).content.decode()
