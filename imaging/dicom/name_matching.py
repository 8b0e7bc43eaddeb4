"""Matching of person names (PS3.4 section C.2.2.2.1, VR PN): without case or accents, by component, in any writing.

A database finds names by ``person_name.normalised``, words alone with one space between. Where components, writings or
punctuation are asked for, ``regex`` decides on the folded name itself; ``words`` of both only narrow down where to look.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from imaging.dicom import person_name

#: From here on writings that are not the first group of a name (PS3.5 section 6.2.1.2): CJK, kana, Hangul.
_IDEOGRAPHS = "\u1100"
_WILD = re.compile(r"([*?])")


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A name with wildcards or none. Without ``=`` it is the first writing, or the one that is written like it."""

    text: str

    @property
    def is_one_part(self) -> bool:
        """Whether the normalised name alone decides: letters with asterisks around them, nothing about components."""
        body = self.text.strip("*")
        return self.text.endswith("*") and bool(body) and body.isalnum() and not self.is_of_any_group

    @property
    def is_anchored(self) -> bool:
        """Whether the beginning of the first writing is asked for."""
        return not self.text.startswith(("*", "?", "=")) and not self.is_of_any_group

    @property
    def is_of_any_group(self) -> bool:
        """Whether the pattern is written as a second or third writing is, and may match either."""
        return "=" not in self.text and any(char >= _IDEOGRAPHS for char in self.text)

    @property
    def runs(self) -> tuple[str, ...]:
        """What a matching name holds in normalised form, in this order and with anything between."""
        return tuple(found for run in re.split(r"[*?]", self.text) if (found := person_name.normalised(run)))

    @property
    def regex(self) -> str:
        """What the folded name must match: a regular expression that Python and PostgreSQL understand alike."""
        text = self.text.rstrip("^=") or self.text
        any_text = "[^=]*" if "=" not in text else ".*"
        # `DOE^*` is Doe whatever follows, nothing as well.
        optional = text.endswith("^*")
        body = "".join(_piece(piece, any_text) for piece in _WILD.split(text[:-2] if optional else text))
        tail = rf"(\^{any_text})?" if optional else r"\^*"
        head = "(^|=)" if self.is_of_any_group or text.startswith(("*", "?")) else "^"
        return f"{head}{body}{tail}(=|$)"


@dataclass(frozen=True, slots=True)
class NameWords:
    """Fuzzy matching (PS3.18 section 8.3.4.2): each of these begins a word of the name, whatever their order.

    A word of ``anywhere`` may also stand inside a word: it was asked for with an asterisk before it.
    """

    beginnings: tuple[str, ...]
    anywhere: tuple[str, ...] = ()


def pattern(text: str) -> NamePattern:
    """The pattern of a value that is neither empty nor a single asterisk."""
    return NamePattern(unicodedata.normalize("NFC", text))


def words(text: str) -> NameWords:
    """The words of a value, for fuzzy matching."""
    beginnings: dict[str, None] = {}
    anywhere: dict[str, None] = {}
    for word in re.split(r"[\s^=]+", text):
        kept = anywhere if word.startswith(("*", "?")) else beginnings
        for part in re.split(r"[*?]", word):
            kept.update(dict.fromkeys(person_name.normalised(part).split()))
            kept = anywhere
    return NameWords(tuple(beginnings), tuple(anywhere))


def folded(name: str) -> str:
    """A name without accents and case, its delimiters and punctuation kept: what ``NamePattern.regex`` is applied to."""
    kept = (char for char in unicodedata.normalize("NFKD", name) if not person_name.is_accent(char))
    # Letter by letter, as a database does it: final sigma and sharp s are other writings of the same.
    return "".join(char.lower() for char in kept).replace("ς", "σ").replace("ß", "ss")


def _piece(piece: str, any_text: str) -> str:
    if piece == "*":
        return any_text
    return "." if piece == "?" else re.escape(folded(piece))
