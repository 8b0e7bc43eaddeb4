"""Coming in: what opens a share, how often, and what becomes of those who guess."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Notification, User
from imaging.sharing.entrance import services
from imaging.sharing.making import services as making
from imaging.sharing.models import Share, ShareEvent, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.shared_links import Letters, Sharing, code_in, open_link

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


def page(browser: Client, key: str) -> str:
    return browser.get(f"/s/{key}/").content.decode()


def proved(browser: Client, made: making.Made) -> Any:
    """Open a share whose second proof is a printed code."""
    open_link(browser, made)
    return browser.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})


def test_the_typed_code_opens_like_the_link(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    typed = made.handed.code.lower().replace("-", " ")
    assert outside.post(f"/s/{made.share.key}/open", {"code": typed}).status_code == 303
    assert ShareVisit.objects.get().way == ShareVisit.Way.CODE


def test_the_code_of_another_share_opens_nothing(sharing: Sharing, chest: Study, outside: Client) -> None:
    one, other = sharing(chest), sharing(chest)
    assert outside.post(f"/s/{one.share.key}/open", {"code": other.handed.code}).status_code == 403
    assert outside.post(f"/s/{one.share.key}/open", {"secret": other.handed.secret}).status_code == 403


@pytest.mark.parametrize("sent", [{}, {"secret": ""}, {"code": ""}, {"secret": "\x00"}, {"code": "é" * 500}])
def test_nothing_and_nonsense_open_nothing(
    sharing: Sharing, chest: Study, outside: Client, sent: dict[str, str]
) -> None:
    made = sharing(chest)
    assert outside.post(f"/s/{made.share.key}/open", sent).status_code == 403


def test_a_wrong_link_and_a_share_that_is_not_there_are_one_answer(
    sharing: Sharing, chest: Study, outside: Client
) -> None:
    made = sharing(chest)
    there = outside.post(f"/s/{made.share.key}/open", {"secret": "x" * 43})
    nowhere = outside.post("/s/AAAAbbbbCCCC/open", {"secret": "x" * 43})
    assert there.status_code == nowhere.status_code == 403
    assert "does not open anything" in there.content.decode()
    assert "does not open anything" in nowhere.content.decode()


def test_too_many_wrong_codes_lock_the_share_for_good_and_its_owner_hears_of_it(
    sharing: Sharing, chest: Study, alice: User
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    for number in range(made.share.most_wrong):
        if number % 10 == 9:
            memories.forget()
        Client(REMOTE_ADDR=f"192.0.2.{number + 1}").post(f"/s/{made.share.key}/open", {"secret": "x" * 43})
    share = Share.objects.get()
    assert share.state == Share.State.LOCKED
    answer = open_link(Client(), made)
    assert "locked" in answer.content.decode().lower()
    assert ShareVisit.objects.count() == 0
    assert {"share.wrong", "share.locked"} <= set(
        Notification.objects.filter(user=alice).values_list("kind", flat=True)
    )
    assert AuditEvent.objects.filter(action="share.refused").count() == made.share.most_wrong


def test_an_address_that_tries_too_often_has_to_wait(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest)
    answers = [outside.post("/s/AAAAbbbbCCCC/open", {"secret": "x" * 43}).status_code for _each in range(25)]
    assert answers[-1] == 429
    assert open_link(outside, made)["Retry-After"]
    assert Share.objects.get().opens == 0


def test_it_opens_as_often_as_was_said_and_no_more(sharing: Sharing, chest: Study) -> None:
    made = sharing(chest, factor=Factor.PRINTED, most_opens=2)
    assert [open_link(Client(), made).status_code for _each in range(3)] == [303, 303, 403]
    assert Share.objects.get().opens == 2
    assert ShareEvent.objects.filter(kind="full").count() == 1


def test_a_browser_that_is_in_stays_in_when_others_used_up_the_opens(
    sharing: Sharing, chest: Study, outside: Client
) -> None:
    made = sharing(chest, factor=Factor.PRINTED, most_opens=1)
    proved(outside, made)
    open_link(Client(), made)
    assert "DURAND" in page(outside, made.share.key)


def test_pressing_open_again_in_the_same_browser_uses_up_nothing(
    sharing: Sharing, chest: Study, outside: Client
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    proved(outside, made)
    open_link(outside, made)
    assert Share.objects.get().opens == 1


def test_a_sent_code_is_tried_a_few_times_then_another_is_needed(
    sharing: Sharing, chest: Study, outside: Client, letters: Letters
) -> None:
    made = sharing(chest)
    open_link(outside, made)
    code = code_in(letters()[-1])
    wrong = "000000" if code != "000000" else "111111"
    for _each in range(5):
        assert outside.post(f"/s/{made.share.key}/proof", {"answer": wrong}).status_code == 403
    answer = outside.post(f"/s/{made.share.key}/proof", {"answer": code})
    assert "tried too often" in answer.content.decode()
    assert "DURAND" not in page(outside, made.share.key)


def test_a_sent_code_ends_after_ten_minutes(sharing: Sharing, chest: Study, outside: Client, letters: Letters) -> None:
    made = sharing(chest)
    open_link(outside, made)
    code = code_in(letters()[-1])
    ShareVisit.objects.update(code_until=timezone.now())
    answer = outside.post(f"/s/{made.share.key}/proof", {"answer": code})
    assert "This code has ended" in answer.content.decode()


def test_a_code_is_good_for_the_browser_that_asked_for_it(
    sharing: Sharing, chest: Study, outside: Client, letters: Letters
) -> None:
    made = sharing(chest)
    other = Client()
    open_link(outside, made)
    code = code_in(letters()[-1])
    open_link(other, made)
    if code_in(letters()[-1]) == code:
        pytest.skip("one in a million")
    assert other.post(f"/s/{made.share.key}/proof", {"answer": code}).status_code == 403


def test_another_code_is_sent_once_a_minute_at_the_most(
    sharing: Sharing, chest: Study, outside: Client, letters: Letters
) -> None:
    made = sharing(chest)
    open_link(outside, made)
    count = len(letters())
    assert outside.post(f"/s/{made.share.key}/code").status_code == 429
    assert len(letters()) == count
    ShareVisit.objects.update(code_sent_at=timezone.now() - services.PAUSE)
    assert outside.post(f"/s/{made.share.key}/code").status_code == 303
    assert len(letters()) == count + 1


def test_the_date_of_birth_opens_where_that_is_the_proof(
    sharing: Sharing, chest: Study, outside: Client, share_policy: Any
) -> None:
    share_policy(factors=["birth_date"])
    made = sharing(chest, factor=Factor.BIRTH_DATE)
    open_link(outside, made)
    assert outside.post(f"/s/{made.share.key}/proof", {"answer": "1962-03-15"}).status_code == 403
    assert outside.post(f"/s/{made.share.key}/proof", {"answer": "1962-03-14"}).status_code == 303
    assert "DURAND" in page(outside, made.share.key)


def test_before_its_time_and_after_it_the_link_says_so(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest)
    now = timezone.now()
    Share.objects.update(valid_from=now + dt.timedelta(hours=1))
    assert "does not open yet" in open_link(outside, made).content.decode()
    Share.objects.update(valid_from=now - dt.timedelta(hours=2), valid_until=now - dt.timedelta(hours=1))
    answer = open_link(outside, made)
    assert (answer.status_code, "This link has ended" in answer.content.decode()) == (410, True)


def test_a_new_link_ends_the_old_one_and_who_came_in_by_it(
    sharing: Sharing, chest: Study, outside: Client, alice: User
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    proved(outside, made)
    fresh = making.renew_link(made.share, user=alice, actor=services.Actor("user", "1", "alice"), sends=False)
    assert "DURAND" not in page(outside, made.share.key)
    assert open_link(Client(), made).status_code == 403
    assert open_link(Client(), fresh).status_code == 303


def test_leaving_closes_it_on_this_device(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    proved(outside, made)
    kept = outside.cookies.copy()
    outside.post(f"/s/{made.share.key}/leave")
    assert "DURAND" not in page(outside, made.share.key)
    outside.cookies = kept
    assert "DURAND" not in page(outside, made.share.key)


def test_the_owner_hears_of_the_first_opening_and_of_no_later_one(sharing: Sharing, chest: Study, alice: User) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    open_link(Client(), made)
    open_link(Client(), made)
    told = Notification.objects.get(user=alice, kind="share.first_opened")
    assert told.count == 1


def test_neither_the_secret_nor_a_code_is_kept_anywhere(
    sharing: Sharing, chest: Study, outside: Client, letters: Letters
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    proved(outside, made)
    token = next(cookie.value for name, cookie in outside.cookies.items() if "share" in name)
    told = [str(row) for model in (Share, ShareVisit, ShareEvent, AuditEvent) for row in model.objects.values()]
    for secret in (made.handed.secret, made.handed.code, made.handed.proof, token):
        assert not any(secret in row for row in told)


def test_what_is_said_is_kept_by_nobody_and_other_sites_are_not_told_where_one_was(
    sharing: Sharing, chest: Study, outside: Client
) -> None:
    made = sharing(chest)
    answer = outside.get(f"/s/{made.share.key}/")
    # Not "no-referrer": browsers then say of a form of our own page that it is of no origin.
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["X-Frame-Options"] == "DENY"
