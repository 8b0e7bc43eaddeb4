"""Accept headers as clients really send them, and as nobody should."""

import pytest

from imaging.dicomweb.negotiation import NotUnderstood, ranges


def test_without_a_header_everything_is_accepted() -> None:
    (entry,) = ranges(None)
    assert entry.is_multipart
    assert entry.takes("application/dicom")
    assert entry.takes_syntax("1.2.840.10008.1.2.4.90")


def test_the_header_that_cornerstone_sends_takes_any_transfer_syntax_as_octets() -> None:
    (entry,) = ranges("multipart/related; type=application/octet-stream; transfer-syntax=*")
    assert entry.is_multipart
    assert entry.part_type == "application/octet-stream"
    assert entry.takes_syntax("1.2.840.10008.1.2.4.80")


def test_quoted_types_may_hold_commas_and_semicolons() -> None:
    first, second = ranges('multipart/related; type="application/dicom"; x=",;", application/json;q=0.5')
    assert first.part_type == "application/dicom"
    assert first.parameters["x"] == ",;"
    assert second.quality == 0.5


def test_the_best_quality_comes_first_and_zero_is_refused_by_the_client() -> None:
    entries = ranges("image/png;q=0.2, image/jpeg;q=0, image/webp;q=0.9")
    assert [entry.media_type for entry in entries] == ["image/webp", "image/png"]


def test_the_query_parameter_comes_before_the_header() -> None:
    (entry,) = ranges("image/png", "application/dicom+json")
    assert entry.media_type == "application/dicom+json"


def test_one_transfer_syntax_asked_for_leaves_out_the_others() -> None:
    (entry,) = ranges('multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1')
    assert entry.takes_syntax("1.2.840.10008.1.2.1")
    assert not entry.takes_syntax("1.2.840.10008.1.2.4.50")


@pytest.mark.parametrize(
    "header",
    [
        "image",
        "image/",
        "/png",
        "image/png;q=x",
        "image/png;q=7",
        'text/plain; a="',
        "a" * 5000,
        "im age/png",
        ",".join(["a/b"] * 80),
    ],
)
def test_what_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(NotUnderstood):
        ranges(header)
