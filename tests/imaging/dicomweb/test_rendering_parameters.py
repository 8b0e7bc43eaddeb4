"""Viewport, window and quality: what the standard writes is read, everything else is refused with a sentence."""

import pytest

from imaging.dicomweb.negotiation import NotUnderstood
from imaging.dicomweb.rendering_parameters import Viewport, Window, quality, viewport, window


def test_what_is_not_asked_for_is_not_there() -> None:
    assert viewport({}) is None
    assert window({}) is None
    assert quality({}) == 85


def test_a_viewport_is_two_whole_numbers() -> None:
    assert viewport({"viewport": "512,400"}) == Viewport(512, 400)


def test_a_window_has_center_width_and_function() -> None:
    assert window({"window": "40,400,linear"}) == Window(40.0, 400.0, "linear")
    assert window({"window": "-600.5,1500,SIGMOID"}) == Window(-600.5, 1500.0, "sigmoid")


@pytest.mark.parametrize("text", ["512", "0,5", "5,99999", "a,b", "-1,5", "512,512,0,0,10,10", "5000,5", "٣,٣"])
def test_a_viewport_that_cannot_be_drawn_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        viewport({"viewport": text})


@pytest.mark.parametrize(
    "text",
    ["40", "40,0,linear", "40,0.5,linear", "nan,5,linear", "40,inf,linear", "a,b,linear", "1,2,cubic", "1,2,linear,4"],
)
def test_a_window_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        window({"window": text})


@pytest.mark.parametrize("text", ["0", "101", "x", "-5", "1e1"])
def test_a_quality_outside_of_one_to_a_hundred_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        quality({"quality": text})
