"""Single objects: what no sender should send and some senders do. ``cases()`` is the whole list, in a fixed order."""

import functools
import itertools
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.hostile import encoding as e

Make = Callable[[], bytes]

#: Markup, scripts, templates, formulas and characters that turn text around: one of each kind a reader could fall for.
HOSTILE_TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{% csrf_token %}${7*7}",
    '=HYPERLINK("http://x","y")',
    "\u202egpj.exe\u2066",
    "'; DROP TABLE imaging_study; --",
    "../../../../etc/passwd",
    "javascript:alert(1)",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One object. ``make`` gives its bytes; ``is_dicom`` says whether it must be kept (in the archive or in quarantine)."""

    family: str
    name: str
    make: Make
    #: "refused", "kept" or "either": what every door must answer.
    answer: str = "either"

    @property
    def key(self) -> str:
        """The name of the case in test reports and in the table of the documentation."""
        return f"{self.family}: {self.name}"


_numbers = itertools.count(1)


def _n() -> int:
    return next(_numbers)


@functools.cache
def cases() -> tuple[Case, ...]:
    """Every case, each with UIDs of its own."""
    families = (
        _not_dicom,
        _truncated,
        _identifiers,
        _lengths,
        _pixels,
        _nesting,
        _bombs,
        _polyglots,
        _syntaxes,
        _character_sets,
        _texts,
    )
    return tuple(case for family in families for case in family())


def _not_dicom() -> Iterator[Case]:
    noise = random.Random(7)
    contents = {
        "empty": b"",
        "one byte": b"\0",
        "only zeros": bytes(4096),
        "plain text": b"Dear colleague, please find attached the images.\r\n" * 40,
        "HTML": b"<!doctype html><script>alert(1)</script>" * 20,
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(600),
        "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(600),
        "PE": b"MZ\x90\0" + bytes(1000),
        "ELF": b"\x7fELF\2\1\1" + bytes(1000),
        "gzip": b"\x1f\x8b\x08" + bytes(500),
        "noise": noise.randbytes(65536),
        "prefix only": bytes(128) + b"DICM",
        "prefix, then noise": bytes(128) + b"DICM" + noise.randbytes(4096),
    }
    for name, content in contents.items():
        yield Case("not DICOM", name, lambda content=content: content, "refused")  # type: ignore[misc]


def _boundaries(elements: dict[int, e.Element]) -> list[int]:
    """Where each element begins, where its value begins, and the middle of its value."""
    found, at = [], 0
    for _tag, row in sorted(elements.items()):
        whole, value = e.element(*row), row[2]
        found += [at, at + 4, at + len(whole) - len(value), at + len(whole) - len(value) // 2]
        at += len(whole)
    return found


def _truncated() -> Iterator[Case]:
    number = _n()
    elements = e.image(number)
    whole = e.part10(e.encode(elements), sop_instance=e.uid(number, 1))
    start = len(whole) - len(e.encode(elements))
    for at in (64, 128, 131, 140, 160, start - 4):
        yield Case("truncated", f"in the file header at {at}", lambda at=at: whole[:at], "refused")  # type: ignore[misc]
    for at in sorted({start + boundary for boundary in _boundaries(elements)}):
        yield Case("truncated", f"in the data set at {at - start}", lambda at=at: whole[:at])  # type: ignore[misc]


def _uid_element(tag: int, value: bytes) -> dict[int, e.Element | None]:
    return {tag: (tag, b"UI", value)}


def _identifiers() -> Iterator[Case]:
    names = {0x00080016: "SOP Class", 0x00080018: "SOP Instance", 0x0020000D: "Study Instance", 0x0020000E: "Series"}
    values = {
        "empty": b"",
        "two values": b"1.2.3\\1.2.4\0",
        "letters": b"abc.def\0",
        "path-like": b"../../../etc/passwd\0",
        "path in digits": b"1.2.3/../../4.5\0",
        "too long": b"1." + b"2" * 200,
        "NUL within": b"1.2\0.3.4\0",
        "line feed": b"1.2.3\n4.5 ",
        "only dots": b"....",
    }
    for tag, title in names.items():
        number = _n()
        yield Case("UIDs", f"{title} UID missing", lambda n=number, t=tag: e.file_of(n, {t: None}), "refused")  # type: ignore[misc]
        for name, value in values.items():
            number = _n()

            def make(n: int = number, t: int = tag, v: bytes = value) -> bytes:
                return e.file_of(n, _uid_element(t, v))

            yield Case("UIDs", f"{title} UID {name}", make, "either" if name == "two values" else "refused")
    number = _n()
    twice = e.encode(e.image(number))
    again = e.element(0x00080018, b"UI", e.text("1.2.3.4", pad=b"\0"))
    yield Case("UIDs", "SOP Instance UID twice", lambda: e.part10(twice + again, sop_instance=e.uid(number, 1)))


def _lengths() -> Iterator[Case]:
    number = _n()
    base = {tag: row for tag, row in e.image(number).items() if tag < 0x00100010}

    def claim(vr: bytes, length: int, value: bytes = b"abcd", n: int = number) -> Make:
        wrong = e.element(0x00100010, vr, value, length=length)
        return lambda: e.part10(e.encode(base) + wrong, sop_instance=e.uid(n, 1))

    yield Case("lengths", "a name of 64 KiB that is not there", claim(b"PN", 0xFFFE), "refused")
    yield Case("lengths", "a text of 4 GiB", claim(b"UT", 0xFFFFFFFE), "refused")
    yield Case("lengths", "a text of undefined length", claim(b"UT", e.UNDEFINED), "refused")
    yield Case("lengths", "an odd length", claim(b"UT", 3, b"abc"), "refused")
    for name, length in {"3 GB": 3_000_000_000, "undefined": e.UNDEFINED, "one byte too many": 129}.items():
        n = _n()

        def pixels(n: int = n, length: int = length) -> bytes:
            elements = {tag: row for tag, row in e.image(n).items() if tag != 0x7FE00010}
            data = e.element(0x7FE00010, b"OW", bytes(128), length=length)
            return e.part10(e.encode(elements) + data, sop_instance=e.uid(n, 1))

        yield Case("lengths", f"pixels claim {name}", pixels)
    n = _n()
    yield Case("lengths", "elements in descending order", lambda n=n: _reversed(n))  # type: ignore[misc]
    n = _n()
    meta = e.file_of(n)
    yield Case(
        "lengths", "file meta group claims 4 GiB", lambda: meta[:140] + struct.pack("<I", 0xFFFFFFF0) + meta[144:]
    )


def _reversed(number: int) -> bytes:
    rows = sorted(e.image(number).items(), reverse=True)
    return e.part10(b"".join(e.element(*row) for _tag, row in rows), sop_instance=e.uid(number, 1))


def _us(tag: int, value: int) -> e.Element:
    return (tag, b"US", struct.pack("<H", value))


def _pixels() -> Iterator[Case]:
    changes: dict[str, dict[int, e.Element | None]] = {
        "a million frames": {0x00280008: (0x00280008, b"IS", b"1000000 ")},
        "2 billion frames": {0x00280008: (0x00280008, b"IS", b"2147483647")},
        "minus one frame": {0x00280008: (0x00280008, b"IS", b"-1")},
        "65535 x 65535": {0x00280010: _us(0x00280010, 65535), 0x00280011: _us(0x00280011, 65535)},
        "0 x 0": {0x00280010: _us(0x00280010, 0), 0x00280011: _us(0x00280011, 0)},
        "65535 samples": {0x00280002: _us(0x00280002, 65535)},
        "1024 bits allocated": {0x00280100: _us(0x00280100, 1024)},
        "0 bits allocated": {0x00280100: _us(0x00280100, 0)},
        "high bit above bits": {0x00280102: _us(0x00280102, 40)},
        "unknown photometric interpretation": {0x00280004: (0x00280004, b"CS", b"<SCRIPT>")},
        "palette without palette": {0x00280004: (0x00280004, b"CS", b"PALETTE COLOR ")},
        "no rows": {0x00280010: None},
        "no pixels": {0x7FE00010: None},
        "empty pixels": {0x7FE00010: (0x7FE00010, b"OW", b"")},
        "window width zero": {0x00281050: (0x00281050, b"DS", b"0 "), 0x00281051: (0x00281051, b"DS", b"0 ")},
        "window not a number": {0x00281050: (0x00281050, b"DS", b"NaN "), 0x00281051: (0x00281051, b"DS", b"inf ")},
        "rescale slope 1e308": {0x00281052: (0x00281052, b"DS", b"0 "), 0x00281053: (0x00281053, b"DS", b"1e308 ")},
    }
    for name, change in changes.items():
        number = _n()
        yield Case("pixels", name, lambda n=number, c=change: e.file_of(n, c), "kept")  # type: ignore[misc]
    for name, syntax, data in (
        ("JPEG declared, noise inside", e.JPEG_BASELINE, e.item(b"") + e.item(bytes(range(256)))),
        ("JPEG declared, no fragments", e.JPEG_BASELINE, e.item(b"")),
        ("RLE with offsets beyond its end", e.RLE, e.item(b"") + e.item(struct.pack("<16I", 1, *([0xFFFFFFF0] * 15)))),
    ):
        number = _n()

        def encapsulated(n: int = number, syntax: str = syntax, data: bytes = data) -> bytes:
            elements = {tag: row for tag, row in e.image(n).items() if tag != 0x7FE00010}
            end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
            pixels = e.element(0x7FE00010, b"OB", data + end, length=e.UNDEFINED)
            return e.part10(e.encode(elements) + pixels, sop_instance=e.uid(n, 1), transfer_syntax=syntax)

        yield Case("pixels", name, encapsulated, "kept")


def _nesting() -> Iterator[Case]:
    for depth in (8, 100, 5_000):
        number = _n()

        def nested(n: int = number, depth: int = depth) -> bytes:
            begin = struct.pack("<HH2sHIHHI", 0x0008, 0x1140, b"SQ", 0, e.UNDEFINED, 0xFFFE, 0xE000, e.UNDEFINED)
            end = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
            rows = e.image(n)
            before = e.encode({tag: row for tag, row in rows.items() if tag < 0x00081140})
            after = e.encode({tag: row for tag, row in rows.items() if tag > 0x00081140})
            return e.part10(before + begin * depth + end * depth + after, sop_instance=e.uid(n, 1))

        yield Case("sequences", f"{depth} deep", nested, "kept" if depth < 10 else "either")
    number = _n()

    def wide(n: int = number) -> bytes:
        rows = e.image(n)
        rows[0x00081140] = (0x00081140, b"SQ", e.item(b"") * 500_000)
        return e.part10(e.encode(rows), sop_instance=e.uid(n, 1))

    yield Case("sequences", "half a million items", wide)
    number = _n()

    def unfinished(n: int = number) -> bytes:
        rows = e.image(n)
        before = e.encode({tag: row for tag, row in rows.items() if tag < 0x00081140})
        return e.part10(
            before + e.element(0x00081140, b"SQ", e.item(b"", length=e.UNDEFINED), length=e.UNDEFINED),
            sop_instance=e.uid(n, 1),
        )

    yield Case("sequences", "never closed", unfinished, "refused")


def _deflated(data_set: bytes, number: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(data_set) + packer.flush()
    return e.part10(packed + b"\0" * (len(packed) % 2), sop_instance=e.uid(number, 1), transfer_syntax=e.DEFLATED_LE)


def _bombs() -> Iterator[Case]:
    number = _n()
    yield Case("deflate", "an honest one", lambda n=number: _deflated(e.encode(e.image(n)), n), "kept")  # type: ignore[misc]
    for name, tag, vr in (("in the header", 0x00104000, b"UT"), ("in the pixels", 0x7FE00010, b"OW")):
        number = _n()

        def bomb(n: int = number, tag: int = tag, vr: bytes = vr) -> bytes:
            rows = e.image(n)
            del rows[0x7FE00010]
            before = e.encode({key: row for key, row in rows.items() if key < tag})
            after = e.encode({key: row for key, row in rows.items() if key > tag})
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            length = 2_000_000_000
            packed = [packer.compress(before + e.element(tag, vr, b"", length=length))]
            packed += [packer.compress(bytes(1_000_000)) for _ in range(length // 1_000_000)]
            packed += [packer.compress(after), packer.flush()]
            return e.part10(b"".join(packed), sop_instance=e.uid(n, 1), transfer_syntax=e.DEFLATED_LE)

        yield Case("deflate", f"a bomb of 2 GB {name}", bomb)
    number = _n()
    broken = _deflated(e.encode(e.image(number)), number)
    yield Case("deflate", "cut off", lambda: broken[:-40], "refused")


def _polyglots() -> Iterator[Case]:
    preambles = {
        "PE": b"MZ" + bytes(58) + struct.pack("<I", 0x1000),
        "ELF": b"\x7fELF\2\1\1",
        "HTML": b"<html><script>alert(1)</script><!--",
        "shell": b"#!/bin/sh\nrm -rf /\n",
        "TIFF": b"II*\0\x08\0\0\0",
    }
    for name, preamble in preambles.items():
        number = _n()
        yield Case(
            "polyglots", f"{name} in the preamble", lambda n=number, p=preamble: e.file_of(n, preamble=p), "kept"
        )  # type: ignore[misc]
    number = _n()
    pdf = b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>endobj\n%%EOF\n"

    def document(n: int = number) -> bytes:
        rows = {tag: row for tag, row in e.image(n).items() if tag < 0x00280000}
        sop_class = "1.2.840.10008.5.1.4.1.1.104.1"
        rows[0x00080016] = (0x00080016, b"UI", e.text(sop_class, pad=b"\0"))
        rows[0x00080060] = (0x00080060, b"CS", e.text("DOC"))
        rows[0x00420011] = (0x00420011, b"OB", pdf + b"\0" * (len(pdf) % 2))
        rows[0x00420012] = (0x00420012, b"LO", e.text("application/pdf"))
        return e.part10(e.encode(rows), sop_instance=e.uid(n, 1), sop_class=sop_class)

    yield Case("polyglots", "JavaScript in an encapsulated PDF", document, "kept")


def _syntaxes() -> Iterator[Case]:
    number = _n()
    rows = e.image(number)

    def declared(syntax: str, content: bytes) -> Make:
        return lambda: e.part10(content, sop_instance=e.uid(number, 1), transfer_syntax=syntax)

    yield Case(
        "transfer syntax", "explicit declared, implicit inside", declared(e.EXPLICIT_LE, e.encode_implicit(rows))
    )
    yield Case("transfer syntax", "implicit declared, explicit inside", declared(e.IMPLICIT_LE, e.encode(rows)))
    yield Case("transfer syntax", "big endian declared, little inside", declared(e.EXPLICIT_BE, e.encode(rows)))
    yield Case("transfer syntax", "deflated declared, plain inside", declared(e.DEFLATED_LE, e.encode(rows)), "refused")
    yield Case("transfer syntax", "JPEG declared, plain pixels inside", declared(e.JPEG_BASELINE, e.encode(rows)))
    yield Case("transfer syntax", "a private one", declared("1.2.3.4.5", e.encode(rows)))
    yield Case("transfer syntax", "no UID", declared("not a uid", e.encode(rows)))
    yield Case("transfer syntax", "none", declared("", e.encode(rows)), "refused")


def _character_sets() -> Iterator[Case]:
    values = {
        "unknown": (b"ISO_IR 999", "Müller^Änne".encode("latin-1")),
        "UTF-8 declared, Latin-1 inside": (b"ISO_IR 192", "Müller^Ännes".encode("latin-1")),
        "none declared, Latin-1 inside": (b"", "Müller^Ännes".encode("latin-1")),
        "ISO 2022 escape that never ends": (b"\\ISO 2022 IR 87", b"Yamada=\x1b$B;3ED"),
        "markup": (b"<SCRIPT>", b"Name^Any"),
        "forty of them": (b"\\".join([b"ISO 2022 IR 100"] * 40), b"Name^Any"),
        "NUL in the name": (b"ISO_IR 192", b"Nul\0l^Any"),
    }
    for name, (charset, person) in values.items():
        number = _n()
        change: dict[int, e.Element | None] = {
            0x00080005: (0x00080005, b"CS", charset + b" " * (len(charset) % 2)) if charset else None,
            0x00100010: (0x00100010, b"PN", person + b" " * (len(person) % 2)),
        }
        yield Case("character sets", name, lambda n=number, c=change: e.file_of(n, c), "kept")  # type: ignore[misc]


#: One element of every text VR that a reader may see, or an index may choke on.
_TEXT_ELEMENTS = {
    b"PN": (0x00100010, 0x00080090),
    b"LO": (0x00081030, 0x0008103E, 0x00100020),
    b"SH": (0x00080050, 0x00081010),
    b"LT": (0x00104000,),
    b"ST": (0x00080081,),
    b"UT": (0x0040A160,),
    b"UC": (0x00080119,),
    b"UR": (0x00080120,),
    b"CS": (0x00180015, 0x00100040),
    b"AE": (0x00080054,),
    b"AS": (0x00101010,),
    b"DA": (0x00080021, 0x00100030),
    b"TM": (0x00080031,),
    b"DT": (0x0008002A,),
    b"DS": (0x00180050,),
    b"IS": (0x00200011,),
}


def _texts() -> Iterator[Case]:
    for vr, tags in _TEXT_ELEMENTS.items():
        for position, hostile in enumerate(HOSTILE_TEXTS):
            number = _n()

            def make(n: int = number, vr: bytes = vr, tags: tuple[int, ...] = tags, hostile: str = hostile) -> bytes:
                return e.file_of(n, {tag: (tag, vr, e.text(hostile)) for tag in tags})

            yield Case("hostile text", f"{vr.decode()} {position + 1}", make, "kept")
    number = _n()
    long = "x" * 60_000
    yield Case(
        "hostile text",
        "a name of 60,000 characters",
        lambda n=number: e.file_of(n, {0x00100010: (0x00100010, b"PN", long.encode())}),
        "kept",
    )  # type: ignore[misc]
