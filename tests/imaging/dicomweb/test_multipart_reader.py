"""However a body is cut into chunks, the same parts come out of it; whatever it is, only BrokenBody is raised."""

import io

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from imaging.dicomweb import multipart
from imaging.dicomweb.multipart_reader import BrokenBody, Limits, MediaType, MultipartReader

BOUNDED = settings(
    max_examples=300, deadline=2000, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
TIGHT = Limits(parts=5, header_octets=200, header_fields=3, preamble_octets=100)

contents = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from([b"\r", b"\r\n", b"\r\n-", b"\r\n--", b"\r\n--b", b"--bound", b"\r\r\n", b"x" * 700_000]),
    ),
    max_size=4,
)


class Cut:
    """A body that comes in chunks of these sizes, over and over."""

    def __init__(self, body: bytes, sizes: list[int]) -> None:
        self._file = io.BytesIO(body)
        self._sizes = sizes
        self._turn = 0

    def read(self, size: int) -> bytes:
        self._turn += 1
        return self._file.read(min(size, self._sizes[self._turn % len(self._sizes)]))


def written(contents_: list[bytes], boundary: str = "boundary") -> bytes:
    parts = [
        multipart.Part("application/dicom; x=1", iter([content]), len(content), f"/{number}")
        for number, content in enumerate(contents_)
    ]
    return b"".join(multipart.write(parts, boundary))


def read(
    body: bytes, boundary: str = "boundary", sizes: list[int] | None = None, limits: Limits | None = None
) -> list[tuple[dict[str, str], bytes]]:
    reader = MultipartReader(Cut(body, sizes or [1 << 20]).read, boundary, limits=limits)
    found = []
    for part in reader.parts():
        content = b""
        while piece := part.read():
            content += piece
        found.append((dict(part.fields), content))
    return found


@BOUNDED
@given(contents, st.lists(st.integers(1, 300), min_size=1, max_size=5))
def test_any_chunking_gives_the_same_parts(parts: list[bytes], sizes: list[int]) -> None:
    # A sender chooses a boundary that its parts do not hold.
    boundary = "bound-that-no-part-holds"
    if sum(map(len, parts)) > 100_000:
        sizes = [size + 10_000 for size in sizes]
    found = read(written(parts, boundary), boundary, sizes)
    assert [content for _fields, content in found] == parts
    assert [fields["content-location"] for fields, _content in found] == [f"/{number}" for number in range(len(parts))]


@BOUNDED
@given(st.binary(max_size=2000), st.lists(st.integers(1, 50), min_size=1, max_size=3))
@example(b"--boundary", [1])
@example(b"--boundary--", [1])
@example(b"--boundary\r\n\r\n\r\n--boundary--", [1])
def test_arbitrary_bytes_never_crash(body: bytes, sizes: list[int]) -> None:
    for content in (body, b"--boundary\r\n" + body, b"--boundary\r\nA: b\r\n\r\n" + body):
        outcomes = []
        for cut in (sizes, [1 << 20]):
            try:
                outcomes.append(read(content, sizes=cut, limits=TIGHT))
            except BrokenBody as error:
                outcomes.append([({}, str(error).encode())])
        assert outcomes[0] == outcomes[1]


@BOUNDED
@given(st.lists(st.sampled_from([b"--boundary", b"--", b"\r\n", b"\r", b"\n", b"A: b", b":", b" ", b"x"]), max_size=30))
def test_pieces_of_the_grammar_in_any_order_never_crash(pieces: list[bytes]) -> None:
    test_arbitrary_bytes_never_crash.hypothesis.inner_test(b"".join(pieces), [1, 3])  # type: ignore[attr-defined]


@given(st.text(max_size=200))
@BOUNDED
def test_any_content_type_is_read_or_refused(text: str) -> None:
    try:
        found = MediaType.parse(text)
    except BrokenBody:
        return
    assert found.name == found.name.lower()


def test_a_preamble_and_what_follows_the_last_boundary_are_ignored() -> None:
    body = b"Any text\r\n" + written([b"one"]) + b"and more"
    assert [content for _fields, content in read(body)] == [b"one"]


def test_a_part_that_nobody_reads_is_skipped() -> None:
    reader = MultipartReader(io.BytesIO(written([b"x" * 900_000, b"two"])).read, "boundary")
    assert [part.location for part in reader.parts()] == ["/0", "/1"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "ends before"),
        (written([b"one"])[:-14], "ends before"),
        (b"--boundary\r\nA: b\r\n", "ends before"),
        (b"x" * 200, "begin with its boundary"),
        (b"--boundaryX\r\n\r\n\r\n--boundary--", "something else"),
        (b"--boundary\r\nA: b\r\nA: c\r\n\r\nx\r\n--boundary--", "cannot be read"),
        (b"--boundary\r\nno field\r\n\r\nx\r\n--boundary--", "cannot be read"),
        (b"--boundary\r\nA: b\r\n folded\r\n\r\nx\r\n--boundary--", "cannot be read"),
        (b"--boundary\r\nA: b\x00\r\n\r\nx\r\n--boundary--", "cannot be read"),
        (b"--boundary\nA: b\n\nx\n--boundary--\n", "ends before"),
        (b"--boundary\r\nA: " + b"b" * 500 + b"\r\n\r\nx\r\n--boundary--", "too long"),
        (
            b"--boundary\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(9)) + b"\r\nx\r\n--boundary--",
            "cannot be read",
        ),
        (b"--boundary\r\n\r\n\r\n" * 9 + b"--boundary--", "too many parts"),
    ],
)
def test_a_broken_body_is_refused_with_its_reason(body: bytes, why: str) -> None:
    for sizes in ([1], [7, 2], [1 << 20]):
        with pytest.raises(BrokenBody, match=why):
            read(body, sizes=sizes, limits=TIGHT)


@pytest.mark.parametrize("boundary", ["", "x" * 71, "line\r\nend", "ends with space ", "€"])
def test_what_cannot_be_a_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(BrokenBody):
        MultipartReader(io.BytesIO(b"").read, boundary)


def test_a_header_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    taken = 0

    def endless(size: int) -> bytes:
        nonlocal taken
        taken += size
        return b"--boundary\r\n" if taken == size else b"a" * size

    with pytest.raises(BrokenBody, match="too long"):
        list(MultipartReader(endless, "boundary").parts())
    assert taken < 2_000_000


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("", "", {}),
        ("Application/DICOM", "application/dicom", {}),
        (
            'multipart/related; type="application/dicom"; boundary="a b"',
            "multipart/related",
            {"type": "application/dicom", "boundary": "a b"},
        ),
        (
            "multipart/related;type=application/dicom+json;boundary=x;",
            "multipart/related",
            {"type": "application/dicom+json", "boundary": "x"},
        ),
        (r'a/b; x="q\"q"', "a/b", {"x": 'q"q'}),
    ],
)
def test_content_types_are_read_as_senders_write_them(text: str, name: str, parameters: dict[str, str]) -> None:
    assert MediaType.parse(text) == MediaType(name, parameters)


@pytest.mark.parametrize("text", ["x", "a/b; boundary=x; boundary=y", "a/b c", 'a/b; x="open', "a/b; x", "a/b" * 900])
def test_content_types_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(BrokenBody):
        MediaType.parse(text)
