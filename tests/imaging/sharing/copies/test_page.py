"""The page on which somebody looks at images before they go out without identity: for who may share them, and hostile input."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Role
from imaging.events.models import Job
from imaging.sharing import tending
from imaging.sharing.copies import services as copies
from imaging.sharing.models import CopiedStudy, HeldObject
from imaging.studies.models import Study
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.sharing.copies.conftest import Background
from tests.imaging.sharing.copies.test_shared_without_identity import CT, burned, received
from tests.shared_links import Sharing
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held(archive: Archive, sharing: Sharing, background: Background) -> HeldObject:
    """A slice with a name in its pixels, which waits for Alice's eye."""
    sharing(received(archive, burned(CT[0], "DUPONT MARIE")), is_deidentified=True)
    background()
    return HeldObject.objects.select_related("copied_study", "source").get()


@pytest.fixture
def sender(alice: User, client: Client) -> Client:
    """Alice, signed in."""
    client.force_login(alice)
    return client


def address(held: HeldObject, act: str = "") -> str:
    return f"/shared/copies/{held.copied_study.key}/{act}"


def sent(held: HeldObject, **more: Any) -> dict[str, Any]:
    return {"shown": [held.pk], f"choice-{held.pk}": "release", f"areas-{held.pk}": ["0"], **more}


def test_it_shows_the_image_what_was_read_in_it_and_why(sender: Client, held: HeldObject) -> None:
    page = sender.get(address(held)).content.decode()
    assert "DUPONT" in page
    assert "Words were read in the pixels." in page
    assert held.source.sop_instance_uid in page


def test_words_that_were_read_are_escaped(sender: Client, held: HeldObject) -> None:
    HeldObject.objects.update(words=[[*held.words[0][:5], "<script>alert(1)</script>", 0.9]])
    page = sender.get(address(held)).content.decode()
    assert "<script>alert(1)" not in page


def test_strangers_find_no_page_and_who_may_only_look_is_refused(
    held: HeldObject, charlie: User, emergency: Department, client: Client
) -> None:
    client.force_login(charlie)
    assert client.get(address(held)).status_code == 404
    assert client.post(address(held, "decide"), sent(held)).status_code == 404
    viewer = UserFactory.create()
    MembershipFactory.create(user=viewer, department=emergency, role=Role.RADIOGRAPHER)
    client.force_login(viewer)
    assert client.get(address(held)).status_code == 403
    assert client.post(address(held, "decide"), sent(held)).status_code == 403
    held.refresh_from_db()
    assert held.state == HeldObject.State.HELD


@pytest.mark.parametrize("drawn", ["1,2,3", "a,b,c,d", "-5,0,10,10", "0,0,1000000,5", "1,2,3,4;" * 600])
def test_what_nobody_draws_is_refused_and_nothing_is_decided(sender: Client, held: HeldObject, drawn: str) -> None:
    answer = sender.post(address(held, "decide"), sent(held, **{f"drawn-{held.pk}": drawn}))
    assert answer.status_code == 422
    held.refresh_from_db()
    assert held.state == HeldObject.State.HELD


def test_an_image_of_another_copy_cannot_be_decided_about_here(
    sender: Client, held: HeldObject, archive: Archive, sharing: Sharing, background: Background
) -> None:
    sharing(held.source.study, is_deidentified=True)
    background()
    other = HeldObject.objects.exclude(pk=held.pk).get()
    sender.post(address(held, "decide"), sent(other))
    other.refresh_from_db()
    assert other.state == HeldObject.State.HELD


def test_the_edges_are_made_black_on_every_image_of_the_page(sender: Client, held: HeldObject) -> None:
    sender.post(address(held, "decide"), sent(held, top="10", right="5"))
    held.refresh_from_db()
    rows, columns = held.source.rows, held.source.columns
    assert [0, 0, columns, -(-rows * 10 // 100), 1, 0] in held.areas
    assert any(area[0] + area[2] == columns and area[3] == rows for area in held.areas)


def test_deciding_twice_changes_nothing(sender: Client, held: HeldObject) -> None:
    sender.post(address(held, "decide"), sent(held))
    answer = sender.post(address(held, "decide"), sent(held, **{f"choice-{held.pk}": "leave_out"}), follow=True)
    assert "Somebody else has decided" in answer.content.decode()
    held.refresh_from_db()
    assert held.state == HeldObject.State.RELEASED


def test_work_that_failed_for_good_is_told_and_can_be_begun_again(
    archive: Archive, sharing: Sharing, sender: Client, background: Background
) -> None:
    study = received(archive, *CT[:1])
    sharing(study, is_deidentified=True)
    copied = CopiedStudy.objects.get()
    Job.objects.filter(step=copies.STEP).update(state=Job.State.FAILED)
    tending.tend()
    page = sender.get(f"/shared/copies/{copied.key}/").content.decode()
    assert "could not be made" in page
    sender.post(f"/shared/copies/{copied.key}/again")
    background()
    copied.refresh_from_db()
    assert copied.state == CopiedStudy.State.READY


def test_revoking_while_copies_are_made_ends_the_work(
    archive: Archive, sharing: Sharing, sender: Client, background: Background
) -> None:
    study = received(archive, *CT[:1])
    made = sharing(study, is_deidentified=True)
    sender.post(f"/shared/{made.share.key}/revoke", {"words": ""})
    background()
    assert CopiedStudy.objects.get().state == CopiedStudy.State.STOPPED
    assert not Study.objects.filter(is_copy=True).exists()
