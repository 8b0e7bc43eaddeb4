"""A recipient asks for earlier images: the link stays what it is, and who shared is told."""

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.notifications.models import Notification
from imaging.sharing.models import ShareEvent
from imaging.sharing.models.choices import Factor, Recipient
from imaging.studies.models import Study
from tests.shared_links import Made, Sharing, open_link

pytestmark = pytest.mark.django_db(transaction=True)


def come_in(browser: Client, made: Made) -> str:
    open_link(browser, made)
    browser.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return f"/s/{made.share.key}/"


def test_who_shared_is_told_and_can_share_with_the_same_recipient(
    sharing: Sharing, chest: Study, outside: Client, alice: User, client: Client
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    root = come_in(outside, made)
    outside.post(f"{root}earlier", {"words": "The film of last year, <b>please</b>"})
    assert Notification.objects.filter(user=alice, kind="share.asked").count() == 1
    client.force_login(alice)
    desk = client.get(f"/shared/{made.share.key}/").content.decode()
    assert "&lt;b&gt;please" in desk
    form = client.get(f"/shared/new?study={chest.study_instance_uid}&like={made.share.key}").content.decode()
    assert "paul.mercier@cabinet-mercier.example" in form


def test_it_is_asked_once_a_day_and_the_page_says_that_it_was(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    root = come_in(outside, made)
    for _ in range(3):
        outside.post(f"{root}earlier", {"words": "again"})
    assert ShareEvent.objects.filter(kind="asked").count() == 1
    page = outside.get(root).content.decode()
    assert "You have asked for earlier images" in page
    assert 'name="words"' not in page


def test_who_has_not_proved_anything_asks_nothing(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/earlier", {"words": "?"})
    assert not ShareEvent.objects.filter(kind="asked").exists()


def test_a_patient_is_not_offered_it(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED, recipient=Recipient.PATIENT)
    root = come_in(outside, made)
    assert "earlier images" not in outside.get(root).content.decode()


def test_nobody_takes_the_recipient_of_a_colleagues_share(
    sharing: Sharing, chest: Study, bob: User, emergency: Department, client: Client
) -> None:
    made = sharing(chest)
    client.force_login(bob)
    answer = client.get(f"/shared/new?study={chest.study_instance_uid}&like={made.share.key}")
    assert "paul.mercier" not in answer.content.decode()
