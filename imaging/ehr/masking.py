"""A message for the screen of whoever looks after interfaces: what it is built of is read, what it says of a patient is not."""

import re

from imaging.ehr.hl7.message import Headline

_OPEN = frozenset({"MSH", "EVN", "MSA", "ERR"})
_LETTERS = re.compile(r"[^\W\d_]")
_DIGITS = re.compile(r"\d")
_CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")


def masked(text: str, found: Headline | None) -> str:
    """The message, one segment a line, with letters as x and digits as 9 in all but its header."""
    separator = found.separator if found else "|"
    return "\n".join(_segment(line, separator) for line in lines(text))


def lines(text: str) -> list[str]:
    """Segments, without what a terminal or a page could stumble over."""
    return [_CONTROLS.sub(" ", line) for line in re.split(r"\r\n|\r|\n", text) if line.strip()]


def _segment(line: str, separator: str) -> str:
    name, _found, rest = line.partition(separator)
    if name in _OPEN:
        return line
    return name[:3] + separator + _DIGITS.sub("9", _LETTERS.sub("x", rest))
