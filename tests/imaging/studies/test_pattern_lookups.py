"""What the database is told to overlook in names."""

import re
import sys

from imaging.dicom import person_name
from imaging.studies.finding import pattern_lookups


def test_every_accent_of_unicode_is_overlooked_and_nothing_else() -> None:
    accents = re.compile(pattern_lookups._accents())
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        assert bool(accents.fullmatch(char)) is person_name.is_accent(char), hex(code)
