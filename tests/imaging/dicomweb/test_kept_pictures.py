"""Pictures drawn lately: once for all who ask at the same time, bounded in bytes and in time."""

import threading

import pytest

from imaging.dicomweb.kept_pictures import Pictures


def test_those_who_ask_while_it_is_drawn_wait_for_it() -> None:
    pictures, drawn = Pictures(), []
    begun, go = threading.Event(), threading.Event()

    def draw() -> bytes:
        drawn.append(1)
        begun.set()
        assert go.wait(10)
        return b"picture"

    found: list[bytes] = []
    asking = [threading.Thread(target=lambda: found.append(pictures.kept_or_drawn(("film",), draw))) for _ in range(5)]
    for each in asking:
        each.start()
    assert begun.wait(10)
    go.set()
    for each in asking:
        each.join(10)
    assert found == [b"picture"] * 5
    assert len(drawn) == 1


def test_the_oldest_makes_room_and_what_is_large_is_not_kept() -> None:
    pictures = Pictures(limit=100)
    for name in range(5):
        pictures.kept_or_drawn((name,), lambda: bytes([1]) * 25)
    assert pictures.kept_or_drawn((4,), lambda: b"again") == bytes([1]) * 25
    assert pictures.kept_or_drawn((0,), lambda: b"again") == b"again"
    pictures.kept_or_drawn(("large",), lambda: bytes(26))
    assert pictures.kept_or_drawn(("large",), lambda: b"again") == b"again"


def test_it_is_drawn_anew_when_its_time_is_over() -> None:
    pictures = Pictures(lasts=0.0)
    assert pictures.kept_or_drawn(("film",), lambda: b"before") == b"before"
    assert pictures.kept_or_drawn(("film",), lambda: b"after") == b"after"


def test_what_could_not_be_drawn_is_tried_again() -> None:
    pictures = Pictures()

    def fail() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pictures.kept_or_drawn(("film",), fail)
    assert pictures.kept_or_drawn(("film",), lambda: b"picture") == b"picture"
