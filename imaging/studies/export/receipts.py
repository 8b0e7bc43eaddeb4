"""What was handed over, file by file with its SHA-256 as it lies in the export: RECEIPT.TXT for people, receipt.json for programs.

A receipt is written after all other files, out of the digests that were taken of them on their way. A digest is as long as any
other, so that the receipt's length is known beforehand; whoever goes on with a download that broke off has the bytes before it
read once more, for the sake of the zip's own checksums, and gets the same receipt.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
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
#: Lines that are written at once.
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Handed:
    """The circumstances. ``share`` is the identifier of the share that opened it, empty for people of the portal.

    ``on`` is a day that stays the same while a download goes on: another day is another receipt, and so another zip.
    """

    on: date
    share: str = ""
    is_deidentified: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of an export; ``sop_instance_uid`` is empty for what is no object of a study."""

    name: str
    length: int
    sop_instance_uid: str = ""


class Digests:
    """The digests of the files of one export, taken while they are read."""

    def __init__(self) -> None:
        """None is known yet."""
        self._found: dict[str, bytes] = {}

    def taken(self, member: Member) -> Member:
        """The same member; once it was read to its end, its digest is known."""
        return replace(member, read=lambda: self._pieces(member))

    def of(self, name: str) -> str:
        """64 hexadecimal digits. Raises ``KeyError`` for what was not read."""
        return self._found[name].hex()

    def _pieces(self, member: Member) -> Iterator[bytes]:
        found = hashlib.sha256()
        for piece in member.read():
            found.update(piece)
            yield piece
        self._found[member.name] = found.digest()


DigestOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Receipts:
    """Both receipts of an export, ready to be written. ``words`` are in the language of the reader."""

    words: str
    handed: Handed
    studies: tuple[str, ...]
    files: tuple[Listed, ...]
    text_length: int
    json_length: int

    def members(self, digests: Digests) -> list[Member]:
        """The two files, to be read after all others."""
        return [
            Member(TEXT_NAME, self.text_length, lambda: _text(self.words, self.files, digests.of)),
            Member(JSON_NAME, self.json_length, lambda: _json(self.handed, self.studies, self.files, digests.of)),
        ]


def prepared(handed: Handed, studies: Sequence[str], files: Iterable[Listed]) -> Receipts:
    """The receipts of these files of these studies (Study Instance UIDs), in the language that is active now."""
    uids, listed = tuple(studies), tuple(files)
    words = _words(handed, uids, len(listed))
    return Receipts(
        words=words,
        handed=handed,
        studies=uids,
        files=listed,
        text_length=sum(map(len, _text(words, listed, _blank))),
        json_length=sum(map(len, _json(handed, uids, listed, _blank))),
    )


def _blank(_name: str) -> str:
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
        "",
        _("Each line below holds the SHA-256 digest of a file, as it lies in this archive, and the file's name."),
        _("When a file has another digest now, it was changed or damaged after it was handed over."),
        _("To check all of them: sha256sum -c RECEIPT.TXT"),
        _("To check one on Windows: certutil -hashfile NAME SHA256"),
        _("The file receipt.json tells the same to programs, with the number (SOP Instance UID) of each image."),
        "",
        *(_("Study Instance UID: %(uid)s") % {"uid": uid} for uid in studies),
        "",
    ]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _text(words: str, files: Sequence[Listed], digest_of: DigestOf) -> Iterator[bytes]:
    # The mark at the start lets every editor of Windows read the accents.
    yield b"\xef\xbb\xbf" + words.encode()
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        yield "".join(f"{digest_of(file.name)}  {file.name}\n" for file in batch).encode()


def _json(handed: Handed, studies: Sequence[str], files: Sequence[Listed], digest_of: DigestOf) -> Iterator[bytes]:
    head = {
        "form": _FORM,
        "date": handed.on.isoformat(),
        "share": handed.share or None,
        "deidentified": handed.is_deidentified,
        "studies": list(studies),
        "digest": "SHA-256",
    }
    yield orjson.dumps(head)[:-1] + b',"files":['
    for start in range(0, len(files), _BATCH):
        lines = b",\n".join(_entry(file, digest_of) for file in files[start : start + _BATCH])
        yield (b",\n" if start else b"\n") + lines
    yield b"\n]}\n"


def _entry(file: Listed, digest_of: DigestOf) -> bytes:
    entry: dict[str, str | int] = {"name": file.name, "length": file.length, "sha256": digest_of(file.name)}
    if file.sop_instance_uid:
        entry["sop_instance_uid"] = file.sop_instance_uid
    return orjson.dumps(entry)
