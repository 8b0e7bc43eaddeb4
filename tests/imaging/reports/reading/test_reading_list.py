"""The reading list: order, scope, and two people at one study."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Department, Notification, User
from imaging.reports.models import ReadingItem, ReadingRoute
from imaging.reports.reading import selectors, services, views
from imaging.reports.reading.asked import Asked
from imaging.reports.reading.filters import ReadingFilters, Show
from imaging.reports.reading.services import NotOpen, NotYours
from imaging.studies import services as studies
from imaging.studies.models import Study
from tests.imaging.reports.reading.conftest import ReaderOf, ToRead

pytestmark = pytest.mark.django_db


def _listed(reader_of: ReaderOf, user: User, **wanted: object) -> list[int]:
    page = selectors.reading_list(reader_of(user), ReadingFilters(**wanted), limit=50)  # type: ignore[arg-type]
    return [item.pk for item in page.items]


def test_the_most_urgent_and_longest_waiting_come_first(to_read: ToRead, rita: User, reader_of: ReaderOf) -> None:
    routine = to_read()
    stat = to_read(asked=Asked(priority=0))
    older = to_read()
    ReadingItem.objects.filter(pk=older.pk).update(due_at=routine.due_at - timedelta(hours=1))
    assert _listed(reader_of, rita) == [stat.pk, older.pk, routine.pk]


def test_pages_follow_each_other_without_a_gap(to_read: ToRead, rita: User, reader_of: ReaderOf) -> None:
    made = [to_read(asked=Asked(priority=number % 3)).pk for number in range(7)]
    person, seen, after = reader_of(rita), [], None
    while True:
        page = selectors.reading_list(person, ReadingFilters(after=after), limit=2)
        seen += [item.pk for item in page.items]
        after = page.after
        if after is None:
            break
    assert sorted(seen) == sorted(made)
    assert seen == _listed(reader_of, rita)


def test_who_does_not_read_for_the_department_sees_no_list(to_read: ToRead, alice: User, client: Client) -> None:
    to_read()
    client.force_login(alice)
    assert client.get(reverse("reports:reading")).status_code == 403


def test_a_protected_study_is_not_on_the_list_of_who_is_not_cleared(
    to_read: ToRead, rita: User, reader_of: ReaderOf
) -> None:
    item = to_read()
    studies.protect(item.study, "vip", reason="known person", actor=reader_of(rita).actor)
    assert _listed(reader_of, rita) == []
    assert selectors.item_of(reader_of(rita), item.study.study_instance_uid) is None


def test_the_second_reader_is_told_who_reads_and_may_take_it_over(
    to_read: ToRead, rita: User, ralf: User, reader_of: ReaderOf
) -> None:
    item = to_read()
    services.take(reader_of(rita), item)
    with pytest.raises(NotYours) as refused:
        services.take(reader_of(ralf), item)
    assert refused.value.item.locked_by == rita
    services.take(reader_of(ralf), item, over=True)
    item.refresh_from_db()
    assert item.locked_by == ralf
    assert Notification.objects.filter(user=rita, kind="reading.taken_over").count() == 1


def test_next_passes_over_what_a_colleague_reads(to_read: ToRead, rita: User, ralf: User, reader_of: ReaderOf) -> None:
    stat, routine = to_read(asked=Asked(priority=0)), to_read()
    services.take(reader_of(rita), stat)
    found = selectors.next_item(reader_of(ralf), ReadingFilters())
    assert found is not None
    assert found.pk == routine.pk


def test_what_is_given_back_can_be_taken_by_all(to_read: ToRead, rita: User, ralf: User, reader_of: ReaderOf) -> None:
    item = to_read()
    services.take(reader_of(rita), item)
    services.give_back(reader_of(ralf), item)
    item.refresh_from_db()
    assert item.locked_by == rita
    services.give_back(reader_of(rita), item)
    services.take(reader_of(ralf), item)
    item.refresh_from_db()
    assert item.locked_by == ralf


def test_a_signed_study_leaves_the_list_and_cannot_be_taken(
    to_read: ToRead, rita: User, ralf: User, reader_of: ReaderOf
) -> None:
    item = to_read()
    services.take(reader_of(rita), item)
    services.follow(item.study, state=ReadingItem.State.FINAL, is_over=True)
    assert _listed(reader_of, rita) == []
    assert _listed(reader_of, rita, show=Show.DONE) == [item.pk]
    with pytest.raises(NotOpen):
        services.take(reader_of(ralf), item)


def test_what_is_asked_later_joins_the_row_and_the_clock_runs_on(
    to_read: ToRead, alice: User, emergency: Department
) -> None:
    item = to_read()
    ready = item.ready_at
    asked = Asked(priority=0, clinical_question="Fracture?", asked_by_id=alice.pk, asking_department_id=emergency.pk)
    again = services.offer(item.study.study_instance_uid, asked=asked)
    assert again is not None
    assert (again.pk, again.ready_at, again.priority, again.clinical_question) == (item.pk, ready, 0, "Fracture?")
    assert again.due_at < item.due_at


def test_the_priority_that_a_reader_has_set_outlasts_what_is_asked_later(
    to_read: ToRead, rita: User, reader_of: ReaderOf
) -> None:
    item = to_read(asked=Asked(priority=2))
    services.set_priority(reader_of(rita), item, 0)
    again = services.offer(item.study.study_instance_uid, asked=Asked(priority=2))
    assert again is not None
    assert again.priority == 0


def test_an_old_study_without_a_request_waits_for_nobody(to_read: ToRead, radiology: Department) -> None:
    item = to_read()
    study = Study.objects.get(pk=item.study_id)
    item.delete()
    Study.objects.filter(pk=study.pk).update(study_at=study.first_received_at - timedelta(days=400))
    assert services.offer(study.study_instance_uid) is None
    assert services.offer(study.study_instance_uid, asked=Asked(priority=1)) is not None


def test_a_route_to_another_department_gives_it_the_study(
    to_read: ToRead, radiology: Department, orthopaedics: Department
) -> None:
    ReadingRoute.objects.create(name="bones", modality="CT", read_by=orthopaedics, subspecialty="bones")
    item = to_read()
    assert (item.department, item.subspecialty) == (orthopaedics, "bones")
    assert item.study.placements.filter(department=orthopaedics).exists()


def test_the_page_shows_the_clock_the_question_and_who_reads(
    to_read: ToRead, rita: User, ralf: User, reader_of: ReaderOf, client: Client
) -> None:
    item = to_read(asked=Asked(priority=0, clinical_question="<b>Fracture?</b>"))
    services.take(reader_of(ralf), item)
    client.force_login(rita)
    page = client.get(reverse("reports:reading")).content.decode()
    assert "&lt;b&gt;Fracture?&lt;/b&gt;" in page
    assert "Ralf Noir" in page
    assert "Take over" in page


@pytest.mark.usefixtures("early_clock")
def test_rows_that_have_not_changed_are_not_sent_again(
    monkeypatch: pytest.MonkeyPatch, to_read: ToRead, rita: User, ralf: User, reader_of: ReaderOf, client: Client
) -> None:
    # Clocks are written anew every minute: none begins within this test.
    monkeypatch.setattr(views, "_CLOCK_SECONDS", 10**12)
    item = to_read()
    client.force_login(rita)
    first = client.get(reverse("reports:reading-rows"))
    same = client.get(reverse("reports:reading-rows"), headers={"If-None-Match": first["ETag"]})
    services.take(reader_of(ralf), item)
    changed = client.get(reverse("reports:reading-rows"), headers={"If-None-Match": first["ETag"]})
    assert same.status_code == 304
    assert changed.status_code == 200


def test_a_list_is_kept_for_the_department_and_deleted_by_who_kept_it(
    rita: User, ralf: User, radiology: Department, client: Client
) -> None:
    client.force_login(rita)
    kept = {"name": "STAT", "list": "priority=stat&evil=1", "audience": "department", "department": radiology.pk}
    client.post(reverse("reports:reading-keep"), kept)
    client.force_login(ralf)
    assert "?priority=stat" in client.get(reverse("reports:reading")).content.decode()
