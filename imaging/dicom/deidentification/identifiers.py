"""Who and what an object names, and where any of it is still found: the answer key of a de-identified copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from imaging.dicom import charset, person_name
from imaging.dicom.deidentification import defined_terms, values
from imaging.dicom.deidentification.attributes import is_public_uid, table
from imaging.dicom.deidentification.elements import codecs_of, elements_of, items_of
from imaging.dicom.deidentification.profile import Option, Profile
from imaging.dicom.errors import Malformed

#: Particles, titles and modalities: as parts of a name they tell nobody from anybody.
_TELL_NOTHING: Final = frozenset({
    "al", "anon", "anonym", "anonymised", "anonymized", "anonymous", "cr", "ct", "da", "de", "den", "der", "des",
    "di", "dos", "dr", "du", "dx", "el", "ii", "iii", "iv", "jr", "la", "le", "les", "md", "mg", "mlle", "mme",
    "mr", "mrs", "ms", "name", "nm", "none", "null", "ot", "pn", "pr", "pt", "removed", "rf", "sc", "sr", "test",
    "unknown", "us", "van", "von", "xa", "zu",
})  # fmt: skip
_SHORTEST_PART: Final = 2
_SHORTEST_ID: Final = 4
_SHORTEST_JOINED: Final = 6
_SHORTEST_UID: Final = 8
_SHORTEST_IN_BYTES: Final = 5
_IDENTIFYING: Final = frozenset({"LO", "SH", "UC", "AE", "ST", "LT", "UT", "UR"})
_TIMEZONE_OFFSET: Final = 0x00080201
_TEMPORAL: Final = frozenset({"DA", "DT"})
_SEARCHED_BYTES: Final = frozenset({"OB", "OW", "UN"})
_COMPACT = re.compile(r"[^0-9a-z]")
#: Scripts that write without spaces between words, or with one letter a word, begin here.
_FIRST_IDEOGRAPH: Final = "\u2e80"
_UID: Final = re.compile(r"[0-9][0-9.]{7,}")
_DIGITS_OF_A_DAY: Final = 8
#: Identifiers times texts to look for them in: a thousand times what the largest real report has.
_MOST_COMPARISONS: Final = 20_000_000
_DAY: Final = re.compile(rb"(\d{4})\.?(\d\d)\.?(\d\d)")


class Kind(StrEnum):
    """Of what kind an identifier is."""

    NAME = "name"
    ID = "id"
    UID = "uid"
    DATE = "date"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an identifier is still found: path of tags and item numbers (``00400275/0/00400009``). Never what it is."""

    path: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What identifies the people, places and objects in a source, in the forms in which it is looked for.

    ``names`` are parts of names (at least two letters, without accents or case), ``ids`` numbers, addresses and other texts in
    the same form, ``uids`` as written, ``dates`` as YYYYMMDD. Short numbers, particles and titles are left out: they are
    found everywhere.
    """

    names: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    uids: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    _joined: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())
    _within: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())

    _seen: dict[str, frozenset[Kind]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Write the longer ones as they are found without spaces, hyphens and the like around or between them."""
        long = (_COMPACT.sub("", text) for text in self.ids)
        object.__setattr__(self, "_joined", frozenset(text for text in long if len(text) >= _SHORTEST_JOINED))
        within = (name for name in self.names if len(name) >= _SHORTEST_JOINED or min(name) >= _FIRST_IDEOGRAPH)
        object.__setattr__(self, "_within", frozenset(within))

    def __or__(self, other: Identifiers) -> Identifiers:
        """Those of both."""
        return Identifiers(
            self.names | other.names, self.ids | other.ids, self.uids | other.uids, self.dates | other.dates
        )

    def __sub__(self, other: Identifiers) -> Identifiers:
        """Those that are not the other's."""
        return Identifiers(
            self.names - other.names, self.ids - other.ids, self.uids - other.uids, self.dates - other.dates
        )

    @classmethod
    def of(cls, dataset: Dataset, profile: Profile | None = None) -> Identifiers:
        """All in a data set as the house's parser reads it, but for what ``profile`` keeps on purpose.

        Raises ``Malformed`` when it names more than any real object does.
        """
        collected = _Collected(profile or Profile())
        collected.take(dataset, charset.UNDECLARED)
        return collected.identifiers()

    @classmethod
    def named(
        cls, *, names: Iterable[str] = (), ids: Iterable[str] = (), uids: Iterable[str] = (), dates: Iterable[str] = ()
    ) -> Identifiers:
        """Those that the caller knows, in any writing; dates as YYYYMMDD."""
        parts = {part for name in names for part in _parts(name)}
        texts = {text for given in ids if (text := _identifying(given))}
        return cls(frozenset(parts), frozenset(texts), frozenset(uids), frozenset(dates))

    def in_text(self, text: str) -> frozenset[Kind]:
        """The kinds of identifiers that this text holds. Reports say the same words a thousand times: looked for once."""
        if text not in self._seen:
            self._seen[text] = frozenset(self._sought_in(text))
        return self._seen[text]

    def _sought_in(self, text: str) -> set[Kind]:
        plain = person_name.normalised(text)
        found = set()
        padded, closed, joined = f" {plain} ", plain.replace(" ", ""), _COMPACT.sub("", plain)
        if not self.names.isdisjoint(plain.split()) or any(name in closed for name in self._within):
            found.add(Kind.NAME)
        if any(f" {known} " in padded for known in self.ids) or any(known in joined for known in self._joined):
            found.add(Kind.ID)
        if not self.uids.isdisjoint(part.strip(".") for part in _UID.findall(text)):
            found.add(Kind.UID)
        if len(joined) >= _DIGITS_OF_A_DAY and any(_writes(day, joined) for day in self.dates):
            found.add(Kind.DATE)
        return found

    def in_bytes(self, value: bytes) -> set[Kind]:
        """The kinds of identifiers of five and more characters that lie in these bytes as plain text, in any case."""
        lowered = value.lower()
        wide = lowered.replace(b"\0", b"")
        found = set()
        for kind, texts in ((Kind.NAME, self.names), (Kind.ID, self.ids), (Kind.UID, self.uids)):
            known = [text.encode() for text in texts if len(text) >= _SHORTEST_IN_BYTES]
            if any(text in lowered or text in wide for text in known):
                found.add(kind)
        return found


def remaining(dataset: Dataset, identifiers: Identifiers) -> list[Place]:
    """Every place of a data set, however deep, that still holds one of the identifiers. Pixels are not looked into."""
    return sorted(set(_remaining(dataset, identifiers, charset.UNDECLARED, "")))


def _remaining(dataset: Dataset, known: Identifiers, inherited: charset.Encodings, path: str) -> Iterator[Place]:
    codecs = codecs_of(dataset, inherited)
    for tag, element in elements_of(dataset):
        here = f"{path}{tag:08X}"
        for number, item in enumerate(items_of(element)):
            yield from _remaining(item, known, codecs, f"{here}/{number}/")
        if isinstance(element, RawDataElement) and element.value:
            for kind in held(element, known, codecs):
                yield Place(here, kind)


def held(element: RawDataElement, known: Identifiers, codecs: charset.Encodings) -> set[Kind] | frozenset[Kind]:
    """The kinds of identifiers in one element as it was read."""
    value, vr = element.value or b"", element.VR or "UN"
    if defined_terms.is_defined(int(element.tag), value) or (vr in {"TM", "AS"} and values.is_well_formed(value, vr)):
        return set()
    if vr in {"DA", "DT"}:
        return {Kind.DATE} if {_day(part) for part in value.split(b"\\")} & known.dates else set()
    if vr == "UI":
        return {Kind.UID} if {part.decode("ascii", "replace") for part in values.split(value)} & known.uids else set()
    if vr in {"DS", "IS"}:
        # A number is an identifier only if it is the same, and long enough to be no measure by chance.
        same = {part.decode("ascii", "replace") for part in values.split(value)} & known.ids
        return {Kind.ID} if any(len(text) >= _SHORTEST_JOINED for text in same) else set()
    if vr in values.TEXTS or vr in {"AE", "CS", "UR", "AS", "TM"}:
        return known.in_text(charset.decode(value, codecs))
    return known.in_bytes(value) if vr in _SEARCHED_BYTES else set()


class _Collected:
    """The identifiers of one data set while it is walked through, and what its profile keeps, which is none."""

    def __init__(self, profile: Profile) -> None:
        self._options = profile.options
        self._found: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        self._kept: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        self._texts = 0

    def identifiers(self) -> Identifiers:
        """What was found and is not kept."""
        names, ids, uids, dates = (frozenset(self._found[kind] - self._kept[kind]) for kind in Kind)
        if (len(names) + len(ids)) * self._texts > _MOST_COMPARISONS:
            raise Malformed("too many names and numbers", code="too_many_identifiers")
        return Identifiers(names, ids, uids, dates)

    def take(self, dataset: Dataset, inherited: charset.Encodings) -> None:
        codecs = codecs_of(dataset, inherited)
        for tag, element in elements_of(dataset):
            for item in items_of(element):
                self.take(item, codecs)
            if isinstance(element, RawDataElement) and element.value:
                self._note(tag, element.VR or "UN", element.value, codecs)

    def _note(self, tag: int, vr: str, value: bytes, codecs: charset.Encodings) -> None:
        row = table().get(f"{tag:08X}")
        is_kept = row is not None and any(row.options.get(option) == "K" for option in self._options)
        into = self._kept if is_kept else self._found
        self._texts += vr in values.TEXTS
        if vr == "PN":
            into[Kind.NAME].update(_parts(charset.decode(value, codecs)))
        elif vr == "UI":
            uids = (part.decode("ascii", "replace") for part in values.split(value))
            into[Kind.UID].update(uid for uid in uids if len(uid) >= _SHORTEST_UID and not is_public_uid(tag, uid))
        elif row is None or tag == _TIMEZONE_OFFSET:
            return
        elif vr in _TEMPORAL:
            into[Kind.DATE].update(day for part in value.split(b"\\") if (day := _day(part)))
        elif vr in _IDENTIFYING and Option.DESCRIPTORS not in row.options:
            texts = charset.decode(value, codecs).split("\\")
            into[Kind.ID].update(text for given in texts if (text := _identifying(given)))


def _day(value: bytes) -> str:
    found = _DAY.match(value.strip(b" \0"))
    day = b"".join(found.groups()).decode("ascii") if found else ""
    return "" if day == values.NO_DAY else day


def _parts(name: str) -> set[str]:
    parts = person_name.normalised(name.replace("\\", " ")).split()
    long = (part for part in parts if len(part) >= _SHORTEST_PART or part >= _FIRST_IDEOGRAPH)
    return {part for part in long if part not in _TELL_NOTHING and not part.isdigit()}


def _identifying(text: str) -> str:
    plain = person_name.normalised(text)
    return plain if len(plain) >= _SHORTEST_ID and plain not in _TELL_NOTHING else ""


def _writes(day: str, joined: str) -> bool:
    """Whether the letters and digits of a text hold this day, year first or day first."""
    return day in joined or f"{day[6:]}{day[4:6]}{day[:4]}" in joined
