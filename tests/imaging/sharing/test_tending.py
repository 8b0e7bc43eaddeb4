"""What time does to shares: their owners are told before the end, and when less is shown, once."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import Notification, User
from imaging.pipeline import beat, tasks
from imaging.sharing import tending
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.studies import oppositions
from imaging.studies.correction import merging
from imaging.studies.models import Placement, Study
from tests import memories
from tests.factories import arrivals
from tests.shared_links import Sharing, open_link
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


def told(kind: str) -> int:
    return sum(Notification.objects.filter(kind=kind).values_list("count", flat=True))


def ends_in(share: Share, hours: int) -> None:
    begun = timezone.now() - dt.timedelta(days=20)
    Share.objects.filter(pk=share.pk).update(valid_from=begun, valid_until=timezone.now() + dt.timedelta(hours=hours))


def test_the_end_is_told_two_days_before_and_once(sharing: Sharing, chest: Study) -> None:
    share = sharing(chest).share
    tending.tend()
    assert told("share.ending") == 0
    ends_in(share, 40)
    tending.tend()
    tending.tend()
    assert told("share.ending") == 1


def test_the_next_end_of_an_extended_share_is_told_again(sharing: Sharing, chest: Study) -> None:
    share = sharing(chest).share
    ends_in(share, 40)
    tending.tend()
    share.events.update(at=timezone.now() - dt.timedelta(days=9))
    tending.tend()
    assert told("share.ending") == 2


def test_of_a_share_for_two_days_no_end_is_told(sharing: Sharing, chest: Study) -> None:
    sharing(chest, valid_until=timezone.now() + dt.timedelta(days=2))
    tending.tend()
    assert told("share.ending") == 0


def test_a_study_that_left_is_told_once(sharing: Sharing, chest: Study) -> None:
    sharing(chest)
    tending.tend()
    assert told("share.stopped") == 0
    Placement.objects.filter(study=chest).delete()
    tending.tend()
    tending.tend()
    assert told("share.stopped") == 1


def test_a_study_that_is_another_patients_is_told(sharing: Sharing, chest: Study, archive: Archive) -> None:
    sharing(chest)
    other = arrivals.dataset(PatientID="OTHER")
    archive.receive(other)
    Study.objects.filter(pk=chest.pk).update(
        patient=Study.objects.get(study_instance_uid=other.StudyInstanceUID).patient
    )
    tending.tend()
    assert told("share.stopped") == 1


def test_an_opposition_is_told(sharing: Sharing, chest: Study) -> None:
    sharing(chest)
    oppositions.record_choice(
        chest.patient,
        use="outside",
        answer="opposed",
        said_by="patient",
        said_on=timezone.localdate(),
        evidence="",
        actor=SYSTEM,
    )
    tending.tend()
    assert told("share.stopped") == 1


def test_a_patient_whose_record_was_merged_is_the_same(sharing: Sharing, chest: Study, archive: Archive) -> None:
    sharing(chest)
    other = arrivals.dataset(PatientID="SAME")
    archive.receive(other)
    into = Study.objects.get(study_instance_uid=other.StudyInstanceUID).patient
    merging.merge(chest.patient, into, actor=SYSTEM, reason="same person")
    tending.tend()
    assert told("share.stopped") == 0


def test_what_has_ended_is_told_no_more(sharing: Sharing, chest: Study) -> None:
    share = sharing(chest).share
    ends_in(share, 40)
    Share.objects.update(state=Share.State.REVOKED)
    Placement.objects.filter(study=chest).delete()
    tending.tend()
    assert Notification.objects.filter(kind__in=["share.ending", "share.stopped"]).count() == 0


def test_visits_past_their_time_have_ended(sharing: Sharing, chest: Study, outside: Client) -> None:
    open_link(outside, sharing(chest, factor=Factor.PRINTED))
    tending.tend()
    assert ShareVisit.objects.get().ended_at is None
    past = timezone.now() - dt.timedelta(hours=1)
    ShareVisit.objects.update(valid_until=past)
    tending.tend()
    assert ShareVisit.objects.get().ended_at == past


def test_many_shares_cost_no_more_questions_than_one(sharing: Sharing, chest: Study, alice: User) -> None:
    asked = []
    for number in (1, 7):
        for _turn in range(number):
            sharing(chest)
        with CaptureQueriesContext(connection) as context:
            tending.tend()
        asked.append(len(context))
    assert asked[1] == asked[0]


def test_the_clock_does_it(sharing: Sharing, chest: Study) -> None:
    ends_in(sharing(chest).share, 40)
    tasks.tend_shares()
    assert told("share.ending") == 1
    assert beat.TEND_SHARES in {entry["task"] for entry in beat.SCHEDULE.values()}
