"""The rules of performed procedure steps: whatever a machine tells, an answer comes, and never another exception."""

import contextlib
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.orders.performing import mpps
from imaging.orders.performing.mpps import Fault, NotAcceptable

_TAGS = [
    *("00400252", "00400270", "00400340", "0020000D", "00080050", "00400009", "00400244", "00400245", "00400250"),
    *("00400251", "00400281", "00080100", "00080060", "00100010", "00100020", "00400253", "00400241", "00081140"),
]
_VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["IN PROGRESS", "COMPLETED", "20310102", "0900", "1.2.3"]),
    st.integers(),
    st.none(),
    st.booleans(),
    st.dictionaries(st.sampled_from(["Alphabetic", "Ideographic"]), st.text(max_size=8)),
)
_RECORDS: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(
        st.sampled_from(_TAGS), st.fixed_dictionaries({"vr": st.just("LO"), "Value": st.lists(_VALUES, max_size=3)})
    ),
    lambda inner: st.dictionaries(
        st.sampled_from(_TAGS), st.fixed_dictionaries({"vr": st.just("SQ"), "Value": st.lists(inner, max_size=3)})
    ),
    max_leaves=8,
)


def told(tag: str, value: Any, vr: str = "LO") -> dict[str, Any]:
    return {tag: {"vr": vr, "Value": [value]}}


@given(record=_RECORDS, kept=_RECORDS, has_images=st.booleans())
@settings(max_examples=300, deadline=None)
def test_nothing_that_a_machine_tells_breaks_the_rules(record: Any, kept: Any, has_images: bool) -> None:
    record, kept = mpps.cleaned(record), mpps.cleaned(kept)
    for check in (lambda: mpps.check_creation(record), lambda: mpps.check_change(record, kept, has_images=has_images)):
        with contextlib.suppress(NotAcceptable):
            check()
    mpps.refused(record, kept)
    mpps.named(record)
    mpps.started(record, UTC)
    mpps.discontinuation(record)
    mpps.instances(record)


def test_what_a_database_cannot_keep_is_taken_out() -> None:
    record = told("00400254", "a\0b\ud800c")
    assert mpps.cleaned(record) == told("00400254", "ab?c")


def test_the_end_of_an_exam_of_which_images_came_names_what_was_made() -> None:
    end = {
        **told("00400252", "COMPLETED", "CS"),
        **told("00400250", "20310102", "DA"),
        **told("00400251", "0900", "TM"),
    }
    assert mpps.check_change(end, {}, has_images=False)
    with pytest.raises(NotAcceptable) as refused:
        mpps.check_change(end, {}, has_images=True)
    assert (refused.value.fault, refused.value.words) == (Fault.MISSING, "PerformedSeriesSequence is missing")
