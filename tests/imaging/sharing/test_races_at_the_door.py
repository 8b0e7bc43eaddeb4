"""Many at the door of a share at the same moment: no more come in than may, and no wrong code goes uncounted."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from imaging.sharing.models import Share, ShareEvent, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.shared_links import Made, Sharing, open_link

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


def at_once(act: Callable[[int], int]) -> list[int]:
    """Let several do the same together, and tell the answer of each."""
    start = Barrier(AT_ONCE)

    def one(number: int) -> int:
        try:
            start.wait()
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        return sorted(crowd.map(one, range(AT_ONCE)))


def browser_of(number: int) -> Client:
    return Client(REMOTE_ADDR=f"192.0.2.{number + 1}")


def test_no_more_come_in_at_once_than_may(sharing: Sharing, chest: Study) -> None:
    memories.forget()
    made = sharing(chest, factor=Factor.PRINTED, most_opens=2)
    assert at_once(lambda number: open_link(browser_of(number), made).status_code) == [303, 303, 403, 403]
    assert (Share.objects.get().opens, ShareVisit.objects.count()) == (2, 2)


def test_wrong_codes_of_many_at_once_are_all_counted_and_lock_the_link_once(sharing: Sharing, chest: Study) -> None:
    memories.forget()
    made = sharing(chest, factor=Factor.PRINTED)
    Share.objects.update(most_wrong=3)

    def wrong(number: int) -> int:
        return browser_of(number).post(f"/s/{made.share.key}/open", {"code": "0000-0000-0000"}).status_code

    assert at_once(wrong) == [403] * AT_ONCE
    share = Share.objects.get()
    assert (share.state, share.wrong) == (Share.State.LOCKED, 3)
    assert ShareEvent.objects.filter(kind="locked").count() == 1


def proof_in(made: Made, browser: Client, answer: str) -> int:
    return browser.post(f"/s/{made.share.key}/proof", {"answer": answer}).status_code


def test_the_right_code_beside_too_many_wrong_ones_opens_nothing(sharing: Sharing, chest: Study) -> None:
    memories.forget()
    made = sharing(chest, factor=Factor.PRINTED)
    Share.objects.update(most_wrong=AT_ONCE - 1)
    browsers = [browser_of(number) for number in range(AT_ONCE)]
    for each in browsers:
        open_link(each, made)
    at_once(lambda number: proof_in(made, browsers[number], "0000-0000-0000" if number else made.handed.proof))
    assert Share.objects.get().state == Share.State.LOCKED
    for each in browsers:
        assert each.get(f"/s/{made.share.key}/dicom-web/studies").status_code == 401


def test_who_goes_on_trying_a_full_link_fills_no_list(sharing: Sharing, chest: Study) -> None:
    memories.forget()
    made = sharing(chest, factor=Factor.PRINTED, most_opens=1)
    answers = [open_link(Client(), made).status_code for _each in range(5)]
    assert answers == [303, 403, 403, 403, 403]
    assert [row.times for row in ShareEvent.objects.filter(kind="full")] == [4]
