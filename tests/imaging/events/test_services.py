"""The outbox: one pending row per kind and subject, taken once, in the transaction of the change it tells of."""

import threading

import pytest
from django.db import connection, transaction

from imaging.events import selectors, services
from imaging.events.models import Event
from imaging.events.services import Happened

CHANGED = Event.Kind.STUDY_CHANGED
SETTLED = Event.Kind.STUDY_SETTLED


@pytest.mark.django_db
def test_more_of_the_same_moves_the_due_time_of_one_row() -> None:
    services.append(kind=SETTLED, subject_uid="1.2", due_in=10)
    first = Event.objects.get()

    services.append(kind=SETTLED, subject_uid="1.2", due_in=60)

    assert (Event.objects.get().due_at - first.due_at).total_seconds() == pytest.approx(50, abs=1)


@pytest.mark.django_db
def test_an_earlier_due_time_never_shortens_the_quiet() -> None:
    services.append(kind=SETTLED, subject_uid="1.2", due_in=60)
    first = Event.objects.get()

    services.append(kind=SETTLED, subject_uid="1.2", due_in=1)

    assert Event.objects.get().due_at == first.due_at


@pytest.mark.django_db
def test_a_batch_takes_one_statement(django_assert_num_queries: object) -> None:
    events = [Happened(CHANGED, f"1.{number}", number) for number in range(200)]

    with django_assert_num_queries(1):  # type: ignore[operator]
        services.append_many(events)

    assert selectors.pending_events() == 200


@pytest.mark.django_db
def test_only_what_is_due_is_taken_and_only_once() -> None:
    services.append_many([Happened(CHANGED, "1.1"), Happened(SETTLED, "1.1", 60)])

    assert services.take_due() == [Happened(CHANGED, "1.1")]
    assert services.take_due() == []
    assert selectors.pending_events() == 1


@pytest.mark.django_db
def test_what_is_due_is_taken_in_the_order_in_which_it_was_due() -> None:
    for number in (3, 1, 2):
        services.append_many(
            [Happened(SETTLED, f"1.{number}", -number), Happened(CHANGED, f"1.{number}", -10 - number)]
        )

    taken = [(event.kind, event.subject_uid) for event in services.take_due()]

    assert taken == [(kind, f"1.{number}") for kind in (CHANGED, SETTLED) for number in (3, 2, 1)]


@pytest.mark.django_db
def test_a_drained_subject_can_happen_again() -> None:
    services.append(kind=CHANGED, subject_uid="1.1")
    services.take_due()

    services.append(kind=CHANGED, subject_uid="1.1")

    assert services.take_due() == [Happened(CHANGED, "1.1")]


@pytest.mark.django_db(transaction=True)
def test_two_drains_never_take_the_same_event() -> None:
    services.append_many([Happened(CHANGED, f"1.{number}") for number in range(40)])
    taken: list[Happened] = []
    together = threading.Barrier(2)

    def drain() -> None:
        try:
            with transaction.atomic():
                together.wait(10)
                taken.extend(services.take_due(limit=30))
                together.wait(10)
        finally:
            connection.close()

    threads = [threading.Thread(target=drain) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 40


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_tells_nothing() -> None:
    with transaction.atomic():
        services.append(kind=CHANGED, subject_uid="1.1")
        transaction.set_rollback(True)

    assert services.take_due() == []
