"""Two versions of one image: laid beside each other, chosen, left, taken back; both stay whatever is decided."""

from typing import Any

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.scope import scope_of_user
from imaging.ingest.desk import conflicts
from imaging.ingest.models import ConflictDecision
from imaging.studies.correction import withdrawal
from imaging.studies.models import Instance, InstanceVersion
from imaging.studies.reading import metadata
from tests.factories import arrivals
from tests.imaging.ingest.desk.conftest import Receive, Staff, at_desk
from tests.imaging.ingest.desk.test_pages import signed_in
from tests.imaging.rendering.conftest import Pool

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twice(receive: Receive, emergency: Department) -> list[Instance]:
    """A series of three images, each received twice with other content."""
    study, series = arrivals.uid(), arrivals.uid()
    first = [
        arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number)
        for number in range(1, 4)
    ]
    receive(*first, departments=[emergency])
    for made in first:
        made.SeriesDescription = "Second"
        made.PixelData = bytes(reversed(made.PixelData))
    receive(*first, departments=[emergency])
    assert InstanceVersion.objects.filter(state="conflicting").count() == 3
    return list(Instance.objects.order_by("pk"))


def shown(instance: Instance) -> str:
    version = InstanceVersion.objects.get(instance=instance, state="current")
    return str(metadata.instance_record(version)["0008103E"]["Value"][0])


def test_a_series_is_one_line_for_who_may_write_and_none_for_others(twice: list[Instance], staff: Staff) -> None:
    ((line,), more) = conflicts.lines(scope_of_user(staff.emergency))
    assert (line.count, more, line.sender) == (3, False, "CT1")
    assert conflicts.lines(scope_of_user(staff.orthopaedics)) == ([], False)


def test_a_version_that_was_withdrawn_is_laid_beside_nothing(twice: list[Instance], staff: Staff) -> None:
    rosa, image = at_desk(staff.emergency), twice[0]
    other = image.versions.get(state="conflicting")
    withdrawal.withdraw([other.pk], actor=rosa.actor, reason="another patient")
    client = signed_in(staff.emergency)
    assert client.get(f"/conflicts/{image.pk}/").status_code == 404
    assert client.get(f"/conflicts/{image.pk}/versions/{other.pk}/picture").status_code == 404
    assert client.get(f"/conflicts/{twice[1].pk}/").status_code == 200


def test_the_other_version_is_chosen_and_the_choice_taken_back(twice: list[Instance], staff: Staff) -> None:
    rosa = at_desk(staff.emergency)
    image = twice[0]
    other = image.versions.get(state="conflicting")
    assert shown(image) == "Axial"
    assert conflicts.choose(rosa.scope, image, other.pk, actor=rosa.actor).decided == 1
    assert shown(image) == "Second"
    assert image.versions.count() == 2
    assert conflicts.waiting_count(rosa.scope) == 2
    assert conflicts.revert(rosa.scope, image, actor=rosa.actor).decided == 1
    assert shown(image) == "Axial"
    assert conflicts.waiting_count(rosa.scope) == 3
    assert list(conflicts.history_of(image).values_list("kind", flat=True)) == ["revert", "choose"]
    assert AuditEvent.objects.filter(action="conflict.decided", actor_name="rosa").count() == 2
    assert conflicts.revert(rosa.scope, image, actor=rosa.actor).changed == 1


def test_a_whole_series_is_decided_at_once(twice: list[Instance], staff: Staff) -> None:
    rosa = at_desk(staff.emergency)
    other = twice[1].versions.get(state="conflicting")
    answer = conflicts.choose(rosa.scope, twice[1], other.pk, actor=rosa.actor, whole_series=True)
    assert (answer.decided, answer.changed) == (3, 0)
    assert {shown(image) for image in twice} == {"Second"}
    assert conflicts.waiting_count(rosa.scope) == 0


def test_what_is_kept_waits_no_more_until_another_version_comes(
    twice: list[Instance], staff: Staff, receive: Receive, emergency: Department
) -> None:
    rosa = at_desk(staff.emergency)
    conflicts.keep(rosa.scope, twice[0], actor=rosa.actor, whole_series=True)
    assert conflicts.waiting_count(rosa.scope) == 0
    assert {shown(image) for image in twice} == {"Axial"}
    image = twice[0]
    third = arrivals.dataset(
        SOPInstanceUID=image.sop_instance_uid,
        StudyInstanceUID=image.study.study_instance_uid,
        SeriesInstanceUID=image.series.series_instance_uid,
        SeriesDescription="Third",
    )
    receive(third, departments=[emergency])
    assert conflicts.waiting_count(rosa.scope) == 1


def test_a_stranger_changes_nothing(twice: list[Instance], staff: Staff, alice: User) -> None:
    image = twice[0]
    other = image.versions.get(state="conflicting")
    posted = {"decision": "choose", "version": str(other.pk)}
    omar = signed_in(staff.orthopaedics)
    for address in (
        f"/conflicts/{image.pk}/",
        f"/conflicts/{image.pk}/versions/{other.pk}/picture",
        "/conflicts/99999/",
    ):
        assert omar.get(address).status_code == 404, address
    assert omar.post(f"/conflicts/{image.pk}/decide", posted).status_code == 404
    assert signed_in(alice).get("/conflicts/").status_code == 403
    assert Client().get("/conflicts/").status_code == 302
    assert not ConflictDecision.objects.exists()
    assert shown(image) == "Axial"


def test_the_page_lays_both_versions_beside_each_other(twice: list[Instance], staff: Staff, decoders: Pool) -> None:
    client = signed_in(staff.emergency)
    image = twice[0]
    assert "DURAND" in client.get("/conflicts/").content.decode().upper()
    page = client.get(f"/conflicts/{image.pk}/").content.decode()
    assert "Second" in page
    assert "Specific Character Set" not in page
    assert "Specific Character Set" in client.get(f"/conflicts/{image.pk}/?all=1").content.decode()
    for version in image.versions.all():
        answer = client.get(f"/conflicts/{image.pk}/versions/{version.pk}/picture")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    other = image.versions.get(state="conflicting")
    answer = client.post(f"/conflicts/{image.pk}/decide", {"decision": "choose", "version": str(other.pk)}, follow=True)
    assert "Decided about 1 image." in answer.content.decode()
    assert shown(image) == "Second"


@pytest.mark.parametrize(
    "posted", [{"decision": "choose"}, {"decision": "x"}, {}, {"decision": "choose", "version": "-1"}]
)
def test_what_cannot_be_meant_changes_nothing(posted: dict[str, Any], twice: list[Instance], staff: Staff) -> None:
    answer = signed_in(staff.emergency).post(f"/conflicts/{twice[0].pk}/decide", posted, follow=True)
    assert answer.status_code == 200
    assert not ConflictDecision.objects.exists()
