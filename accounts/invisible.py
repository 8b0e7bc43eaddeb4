"""Characters that no reader sees and that change what is read: ends of lines, a terminal's orders, turned directions.

In what a line of a log or an export says, they are written as what they are, so that nothing that a device or a person
sent begins a line of its own, clears a screen or reads backwards (CWE-117, CWE-150; Unicode TR 36, section 3.1).
"""

import json
import re
from typing import Final

_HIDDEN: Final = "\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_IN_LINE: Final = re.compile(f"[\u0000-\u001f{_HIDDEN}\ud800-\udfff]")
_IN_JSON: Final = re.compile(f"[{_HIDDEN}]")
# A string of FHIR has tabs and ends of lines, and no other control character (R4 section 2.24.0.1).
_NOT_IN_FHIR: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_IN_XML: Final = re.compile(f"[\t\n\r{_HIDDEN}]")


def shown(text: str) -> str:
    r"""Return a text for a line of a log, with each such character as Python writes it (`\n`, `\x1b`, `\u202e`)."""
    return _IN_LINE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def shown_in_json(document: str) -> str:
    """Return a JSON document that says the same, with each such character escaped as JSON escapes it."""
    return _IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], document)


def shown_in_xml(document: str) -> str:
    """Return an XML document without indentation that says the same, each such character of its texts as a reference."""
    return _IN_XML.sub(lambda found: f"&#{ord(found[0])};", document)


def string_of_fhir(text: str) -> str:
    """Return a text as FHIR takes one: without blanks around it, a mark in place of each character that it may not hold."""
    return _NOT_IN_FHIR.sub("\N{REPLACEMENT CHARACTER}", text).strip()
