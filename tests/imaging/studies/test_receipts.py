"""Receipts: the digest of each file as it lies in the export, of a length that is known before any file was read."""

import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial

import pytest
from django.utils import translation

from imaging.studies.export import extras, receipts, zipped
from imaging.studies.export.receipts import Digests, Handed, Listed
from imaging.studies.export.zipped import Member

DAY = date(2026, 3, 4)
STUDY = "1.2.826.0.1"


def members_of(contents: dict[str, bytes], handed: Handed) -> list[Member]:
    """An export of these files with its receipts."""
    listed = [Listed(name, len(content)) for name, content in contents.items()]
    signed = receipts.prepared(handed, [STUDY], lambda: listed)
    digests = Digests()
    return [
        *(
            Member(name, len(content), partial(digests.taken, number, partial(in_two, content)))
            for number, (name, content) in enumerate(contents.items())
        ),
        *signed.members(digests),
    ]


def in_two(content: bytes) -> tuple[bytes, bytes]:
    """A file as it is read: piece by piece."""
    return content[:2], content[2:]


def read(members: list[Member]) -> dict[str, bytes]:
    """Read one after the other, as they go out."""
    return {member.name: b"".join(member.read()) for member in members}


def test_a_receipt_names_each_file_with_its_digest() -> None:
    contents = {"README.TXT": b"words", "DICOM/ST000001/SE000001/IM000001": b"\x00" * 99, "REPORT/Été.PDF": b"%PDF"}
    files = read(members_of(contents, Handed(DAY, share="Ab3")))
    told = json.loads(files["receipt.json"])
    assert {entry["name"]: entry["sha256"] for entry in told["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }
    assert {entry["name"]: entry["length"] for entry in told["files"]} == {
        name: len(content) for name, content in contents.items()
    }
    assert (told["share"], told["date"], told["deidentified"], told["studies"]) == ("Ab3", "2026-03-04", False, [STUDY])
    lines = files["RECEIPT.TXT"].decode("utf-8-sig").splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in contents.items()
    ]
    assert "share Ab3" in lines[0]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("handed", [Handed(DAY), Handed(DAY, share="x" * 12, is_deidentified=True)])
def test_its_length_is_known_beforehand(language: str, handed: Handed) -> None:
    contents = {f"IM{number}": bytes([number]) * number for number in range(250)}
    with translation.override(language):
        members = members_of(contents, handed)
    files = read(members)
    assert {member.name: member.length for member in members} == {name: len(found) for name, found in files.items()}


def test_it_says_whether_the_identity_was_taken_out() -> None:
    with translation.override("en"):
        named = read(members_of({"A": b"a"}, Handed(DAY)))
        unnamed = read(members_of({"A": b"a"}, Handed(DAY, is_deidentified=True)))
    assert "These files name the patient" in named["RECEIPT.TXT"].decode()
    assert "These files name the patient" not in unnamed["RECEIPT.TXT"].decode()
    assert json.loads(unnamed["receipt.json"])["deidentified"] is True


def test_a_zip_that_goes_on_has_the_same_receipt() -> None:
    contents = {"A": b"abc", "B": b"defgh"}
    first, again = (
        b"".join(zipped.write(members_of(contents, Handed(DAY)), datetime(2026, 3, 4, tzinfo=UTC))) for _ in range(2)
    )
    assert first == again


def test_the_receipt_of_ten_thousand_files_is_small_in_memory() -> None:
    def listed() -> Iterator[Listed]:
        for number in range(10_000):
            yield Listed(f"DICOM/ST000001/SE000001/IM{number:06d}", 3, f"1.2.826.0.1.{number}")

    tracemalloc.start()
    signed = receipts.prepared(Handed(DAY), [STUDY], listed)
    digests = Digests()
    for number in range(10_000):
        assert list(digests.taken(number, lambda: (b"abc",))) == [b"abc"]
    lengths = [sum(len(piece) for piece in member.read()) for member in signed.members(digests)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lengths == [signed.text_length, signed.json_length]
    assert sum(lengths) > 2_000_000 > peak


def test_a_file_that_was_not_read_has_no_digest() -> None:
    signed = receipts.prepared(Handed(DAY), [STUDY], lambda: [Listed("A", 1)])
    with pytest.raises(LookupError):
        list(signed.members(Digests())[0].read())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../A",
        "A/../B",
        "/A",
        "A//B",
        "A\\B",
        "C:A",
        "A\x00B",
        "A\u202eB",
        "A ",
        "A.",
        "CON",
        "aux.txt",
        "DICOMDIR",
        "dicom/A",
        "readme.txt",
        "x" * 201,
    ],
)
def test_no_further_file_leads_out_of_its_folder_or_takes_the_place_of_another(name: str) -> None:
    with pytest.raises(ValueError, match="no name for a file"):
        extras.given(name, b"")


def test_a_further_file_may_be_called_by_any_word() -> None:
    assert extras.given("REPORT/Compte rendu d’Éléonore (2).PDF", b"abc").length == 3
