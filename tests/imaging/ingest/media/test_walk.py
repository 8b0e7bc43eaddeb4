"""Deliveries as hostile as they come: everything is listed, nothing is followed, and nothing costs more than it may."""

import io
import os
import resource
import socket
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imaging.ingest.media.kinds import Kind, kind_of
from imaging.ingest.media.limits import Budget, MediaLimits
from imaging.ingest.media.names import is_unsafe, shown
from imaging.ingest.media.trouble import MediaError, Trouble, in_words
from imaging.ingest.media.walk import walk
from tests.factories import arrivals
from tests.imaging.ingest.media import zips


def listed(path: Path, **limits: float) -> dict[str, tuple[Kind, Trouble | None]]:
    found = walk(path, Budget(MediaLimits(**limits)))  # type: ignore[arg-type]
    return {one.path: (one.kind, one.trouble) for one in found}


def saved(tmp_path: Path, content: bytes, name: str = "brought.zip") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name", ["../evil.dcm", "a/../../evil.dcm", "/etc/evil.dcm", "C:\\evil.dcm", "..\\evil.dcm", "\\\\host\\evil.dcm"]
)
def test_a_name_that_climbs_out_is_listed_and_not_opened(tmp_path: Path, name: str) -> None:
    made = arrivals.encoded(arrivals.dataset())
    path = saved(tmp_path, zips.packed({name: made, "good.dcm": made}))
    found = listed(path)
    assert [trouble for _kind, trouble in found.values()].count(Trouble.UNSAFE_PATH) == 1
    assert found["brought.zip/good.dcm"] == (Kind.DICOM, None)
    assert {one.name for one in tmp_path.iterdir()} == {"brought.zip"}


def test_an_entry_without_a_name_harms_nobody(tmp_path: Path) -> None:
    made = arrivals.encoded(arrivals.dataset())
    octets = zips.packed({"x": made, "good.dcm": made})
    for signature, length_at in ((b"PK\x03\x04", 26), (b"PK\x01\x02", 28)):
        start = octets.index(signature)
        name_at = octets.index(b"x", start + length_at)
        octets = octets[: start + length_at] + b"\0\0" + octets[start + length_at + 2 : name_at] + octets[name_at + 1 :]
    end = octets.index(b"PK\x05\x06")
    size, begin = (struct.unpack("<I", octets[at : at + 4])[0] for at in (end + 12, end + 16))
    octets = octets[: end + 12] + struct.pack("<II", size - 1, begin - 1) + octets[end + 20 :]
    found = listed(saved(tmp_path, octets))
    assert len(found) == 3


def test_a_link_in_a_zip_is_listed_and_not_opened(tmp_path: Path) -> None:
    found = listed(saved(tmp_path, zips.link("link.dcm", "/etc/passwd")))
    assert found["brought.zip/link.dcm"] == (Kind.JUNK, Trouble.SYMLINK)


def test_what_needs_a_password_says_so(tmp_path: Path) -> None:
    found = listed(saved(tmp_path, zips.encrypted("secret.dcm", b"x" * 50)))
    assert found["brought.zip/secret.dcm"][1] is Trouble.ENCRYPTED
    assert "password" in in_words("encrypted")


def test_strange_packings_are_told_and_not_unpacked(tmp_path: Path) -> None:
    path = saved(tmp_path, zips.packed({"a.dcm": bytes(1000)}, packing=zipfile.ZIP_LZMA))
    assert listed(path)["brought.zip/a.dcm"][1] is Trouble.METHOD


@pytest.mark.parametrize("length", [900, 1001, 3_000_000_000])
def test_a_wrong_length_damages_one_entry_only(tmp_path: Path, length: int) -> None:
    path = saved(tmp_path, zips.claiming_length("a.dcm", length))
    for found in walk(path, Budget()):
        if found.kind is Kind.DICOM and found.trouble is None:
            with found.stream() as stream, pytest.raises(MediaError):
                stream.read()


@pytest.mark.parametrize("make", [zips.claiming_directory, zips.claiming_directory64])
def test_a_list_that_claims_gigabytes_costs_nothing(tmp_path: Path, make: object) -> None:
    path = saved(tmp_path, make(4_000_000_000))  # type: ignore[operator]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert set(listed(path).values()) <= {(Kind.ARCHIVE, Trouble.TOO_MANY), (Kind.ARCHIVE, Trouble.DAMAGED)}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_a_list_of_too_many_entries_is_refused_before_it_is_read(tmp_path: Path) -> None:
    assert listed(saved(tmp_path, zips.of_many(300_000))) == {"brought.zip": (Kind.ARCHIVE, Trouble.TOO_MANY)}


def test_a_bomb_is_refused_by_what_it_promises(tmp_path: Path) -> None:
    path = saved(tmp_path, zips.packed({"zeros.dcm": bytes(2_000_000)}))
    assert listed(path, ratio_from=1_000_000) == {"brought.zip": (Kind.ARCHIVE, Trouble.BOMB)}


def test_bombs_in_bombs_end_at_the_depth(tmp_path: Path) -> None:
    content = zips.packed({"deepest.dcm": bytes(100)})
    for _ in range(5):
        content = zips.packed({"next.zip": content})
    found = listed(saved(tmp_path, content))
    assert found["brought.zip/next.zip/next.zip"] == (Kind.ARCHIVE, Trouble.NESTED)
    assert len(found) == 3


def test_what_is_unpacked_in_all_is_bounded(tmp_path: Path) -> None:
    inner = zips.packed({"a": bytes(3000)}, packing=zipfile.ZIP_STORED)
    path = saved(tmp_path, zips.packed({f"{number}.zip": inner for number in range(50)}))
    found = listed(path, total_bytes=20_000)
    assert Trouble.UNPACKS_TOO_LARGE in {trouble for _kind, trouble in found.values()}


def test_a_spent_budget_ends_the_walk_with_a_word(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}").write_bytes(b"x")
    found = list(walk(tmp_path, Budget(MediaLimits(entries=5))))
    assert found[-1].trouble is Trouble.TOO_MANY
    found = list(walk(tmp_path, Budget(MediaLimits(seconds=-1))))
    assert [one.trouble for one in found] == [Trouble.TOO_LONG]


def test_the_same_zip_is_walked_the_same_way_twice(tmp_path: Path) -> None:
    inner = zips.packed({"a.dcm": arrivals.encoded(arrivals.dataset()), "b": b"b"})
    path = saved(tmp_path, zips.packed({"x.zip": inner, "y.zip": inner, "same": b"1"}))
    walks = [
        [(one.path, one.position, one.archive.path if one.archive else "") for one in walk(path, Budget())]
        for _ in range(2)
    ]
    assert walks[0] == walks[1]
    assert len(walks[0]) == 8


def test_the_last_entry_can_be_read_after_the_walk(tmp_path: Path) -> None:
    made = arrivals.encoded(arrivals.dataset())
    inner = zips.packed({"a.dcm": made})
    found = list(walk(saved(tmp_path, zips.packed({"x.zip": inner})), Budget()))[-1]
    with found.open() as file:
        assert file.seek(0, io.SEEK_END) == len(made)
        file.seek(128)
        assert file.read(4) == b"DICM"
    with found.stream() as stream:
        assert stream.read() == made


def test_pipes_sockets_and_links_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    (tmp_path / "up").symlink_to("..")
    (tmp_path / "nowhere").symlink_to("nothing")
    troubles = {path: trouble for path, (_kind, trouble) in listed(tmp_path).items()}
    assert troubles == {
        "pipe": Trouble.SPECIAL,
        "socket": Trouble.SPECIAL,
        "passwd": Trouble.SYMLINK,
        "up": Trouble.SYMLINK,
        "nowhere": Trouble.SYMLINK,
    }
    server.close()


def test_a_program_with_a_dicom_head_is_dicom_and_nothing_else() -> None:
    head = bytearray(arrivals.encoded(arrivals.dataset())[:4096])
    head[:2] = b"MZ"
    assert kind_of("viewer.exe", bytes(head)) == (Kind.DICOM, None)


@pytest.mark.parametrize(
    ("name", "head", "trouble"),
    [
        ("a.tar", bytes(257) + b"ustar\x0000" + bytes(200), Trouble.OTHER_ARCHIVE),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(100), Trouble.OTHER_ARCHIVE),
        ("a.rar", b"Rar!\x1a\x07\x00", Trouble.OTHER_ARCHIVE),
        ("a.tgz", b"\x1f\x8b\x08", Trouble.OTHER_ARCHIVE),
        ("a.ISO", b"", Trouble.DISC_IMAGE),
        ("AUTORUN.INF", b"[autorun]", Trouble.NOT_DICOM),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0", Trouble.NOT_DICOM),
        ("empty", b"", Trouble.NOT_DICOM),
    ],
)
def test_what_is_no_object_is_named_for_what_it_is(name: str, head: bytes, trouble: Trouble) -> None:
    assert kind_of(name, head)[1] is trouble


def test_names_are_made_fit_to_be_shown() -> None:
    assert shown("a\\b\x00\x1b[2J\u202ex") == "a/b\ufffd\ufffd[2J\ufffdx"
    assert len(shown("x" * 5000)) == 500
    assert shown(os.fsdecode(b"\xff.dcm")) == "\ufffd.dcm"


@given(st.text(max_size=40))
def test_a_shown_name_is_plain_text(name: str) -> None:
    assert shown(name).isprintable() or " " not in name
    assert not is_unsafe(name) or name[0] in "/\\" or ".." in name or name[1] == ":"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_of_a_zip_raises_anything_else(tmp_path: Path, data: st.DataObject) -> None:
    octets = bytearray(zips.packed({"a.dcm": bytes(300), "b/c": b"text" * 50, "d.zip": zips.packed({"e": b"e"})}))
    for _ in range(data.draw(st.integers(1, 12))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    del octets[data.draw(st.integers(1, len(octets))) :]
    for found in walk(saved(tmp_path, bytes(octets)), Budget(MediaLimits(entry_bytes=10_000_000))):
        try:
            with found.open() as file:
                file.read(100_000)
        except MediaError:
            continue
