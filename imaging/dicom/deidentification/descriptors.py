"""Descriptions reduced to words that describe: no guess about what a strange word may be (PS3.15 section E.3.5)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from imaging.dicom import person_name
from imaging.dicom.deidentification.identifiers import Identifiers

_WORDS: Final = Path(__file__).with_name("vocabulary.txt")
_WORD: Final = re.compile(r"[^\W_]+")
#: Numbers of one or two digits, with a unit or not, and slashes of b-values are technique; longer ones may be anything.
_NUMBER: Final = re.compile(r"\d{1,2}(mm|cm|d|s|x)?|b\d{1,4}|\d{1,2}x\d{1,2}")
_LONGEST: Final = 64


@cache
def _vocabulary() -> frozenset[str]:
    lines = _WORDS.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def cleaned(text: str, identifiers: Identifiers) -> str:
    """The words of a description that are known to describe, in upper case and plain letters; empty when none is.

    A word that is part of a name in the object goes, even if it describes.
    """
    kept = [word for found in _WORD.findall(text) if (word := person_name.normalised(found)) and _is_kept(word)]
    words = " ".join(word.upper() for word in kept if not identifiers.in_text(word))[:_LONGEST].rstrip()
    return "" if identifiers.in_text(words) else words


def _is_kept(word: str) -> bool:
    return word in _vocabulary() or _NUMBER.fullmatch(word) is not None
