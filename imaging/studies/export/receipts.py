"""What was handed over, file by file with its SHA-256 as it lies in the export: RECEIPT.TXT for people, receipt.json for programs.

A receipt is written after all other files, out of the digests that were taken of them on their way. A digest is as long as any
other, so that the receipt's length is known beforehand; whoever goes on with a download that broke off has the bytes before it
read once more, for the sake of the zip's own checksums, and gets the same receipt.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final

import orjson
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imaging.studies.export.zipped import Member

TEXT_NAME: Final = "RECEIPT.TXT"
JSON_NAME: Final = "receipt.json"
#: Of what programs read: another form has another number.
_FORM: Final = 1
_BLANK: Final = "0" * 64
#: Bytes that are kept of each file: that its digest is known, and the digest.
_KEPT: Final = 33
#: Lines that are written at once.
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Handed:
    """The circumstances. ``share`` is the identifier of the share that opened it, empty for people of the portal.

    ``on`` is a day that stays the same while a download goes on: another day is another receipt, and so another zip.
    ``methods`` are codes of CID 7050 of what took the identity out, ``left_out`` is how many objects did not go for its sake,
    ``told`` says both in words.
    """

    on: date
    share: str = ""
    is_deidentified: bool = False
    methods: tuple[str, ...] = ()
    left_out: int = 0
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of an export; ``sop_instance_uid`` is empty for what is no object of a study."""

    name: str
    length: int
    sop_instance_uid: str = ""


#: The files of an export in their order, each time it is asked for: of very many of them, none is kept.
Files = Callable[[], Iterable[Listed]]
DigestOf = Callable[[int], str]


class Digests:
    """The digests of the files of one export by their number, from 0, taken while they are read."""

    def __init__(self) -> None:
        """None is known yet."""
        self._found = bytearray()

    def taken(self, number: int, read: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
        """What is read of a file; once that came to its end, the digest is known."""
        found = hashlib.sha256()
        for piece in read():
            found.update(piece)
            yield piece
        start = number * _KEPT
        self._found += bytes(max(0, start - len(self._found)))
        self._found[start : start + _KEPT] = b"\1" + found.digest()

    def of(self, number: int) -> str:
        """64 hexadecimal digits. Raises ``LookupError`` for what was not read."""
        kept = self._found[number * _KEPT : (number + 1) * _KEPT]
        if not kept or not kept[0]:
            raise LookupError(f"file {number} was not read")
        return kept[1:].hex()


@dataclass(frozen=True, slots=True)
class Receipts:
    """Both receipts of an export, ready to be written. ``words`` are in the language of the reader."""

    words: str
    handed: Handed
    studies: tuple[str, ...]
    files: Files
    text_length: int
    json_length: int

    def members(self, digests: Digests) -> list[Member]:
        """The two files, to be read after all others."""
        return [
            Member(TEXT_NAME, self.text_length, lambda: _text(self.words, self.files, digests.of)),
            Member(JSON_NAME, self.json_length, lambda: _json(self.handed, self.studies, self.files, digests.of)),
        ]


def prepared(handed: Handed, studies: Sequence[str], files: Files) -> Receipts:
    """The receipts of these files of these studies (Study Instance UIDs), in the language that is active now."""
    uids = tuple(studies)
    words = _words(handed, uids, sum(1 for _file in files()))
    return Receipts(
        words=words,
        handed=handed,
        studies=uids,
        files=files,
        text_length=sum(map(len, _text(words, files, _blank))),
        json_length=sum(map(len, _json(handed, uids, files, _blank))),
    )


def _blank(_number: int) -> str:
    return _BLANK


def _words(handed: Handed, studies: Sequence[str], count: int) -> str:
    """What stands above the digests, each line marked as words for the program that checks them (``sha256sum``)."""
    day = formats.date_format(handed.on, "DATE_FORMAT")
    files = ngettext("%(count)d file", "%(count)d files", count) % {"count": count}
    said = {"files": files, "day": day, "share": handed.share}
    lines = [
        _("Receipt: %(files)s, handed over on %(day)s by share %(share)s.") % said
        if handed.share
        else _("Receipt: %(files)s, taken out of the portal on %(day)s.") % said,
        _("What names the patient was taken out of these images before they were handed over.")
        if handed.is_deidentified
        else _("These files name the patient."),
        *handed.told,
        "",
        _("Each line below holds the SHA-256 digest of a file, as it lies in this archive, and the file’s name."),
        _("When a file has another digest now, it was changed or damaged after it was handed over."),
        _("To check all of them: sha256sum -c RECEIPT.TXT"),
        _("To check one on Windows: certutil -hashfile NAME SHA256"),
        _("The file receipt.json tells the same to programs, with the number (SOP Instance UID) of each image."),
        "",
        *(_("Study Instance UID: %(uid)s") % {"uid": uid} for uid in studies),
        "",
    ]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _text(words: str, files: Files, digest_of: DigestOf) -> Iterator[bytes]:
    # The mark at the start lets every editor of Windows read the accents.
    yield b"\xef\xbb\xbf" + words.encode()
    for batch in _batches(files):
        yield "".join(f"{digest_of(number)}  {file.name}\n" for number, file in batch).encode()


def _json(handed: Handed, studies: Sequence[str], files: Files, digest_of: DigestOf) -> Iterator[bytes]:
    head = {
        "form": _FORM,
        "date": handed.on.isoformat(),
        "share": handed.share or None,
        "deidentified": handed.is_deidentified,
        **({"methods": list(handed.methods), "left_out": handed.left_out} if handed.methods else {}),
        "studies": list(studies),
        "digest": "SHA-256",
    }
    yield orjson.dumps(head)[:-1] + b',"files":['
    between = b"\n"
    for batch in _batches(files):
        yield between + b",\n".join(_entry(file, digest_of(number)) for number, file in batch)
        between = b",\n"
    yield b"\n]}\n"


def _batches(files: Files) -> Iterator[list[tuple[int, Listed]]]:
    numbered = enumerate(files())
    while batch := list(islice(numbered, _BATCH)):
        yield batch


def _entry(file: Listed, digest: str) -> bytes:
    entry: dict[str, str | int] = {"name": file.name, "length": file.length, "sha256": digest}
    if file.sop_instance_uid:
        entry["sop_instance_uid"] = file.sop_instance_uid
    return orjson.dumps(entry)
