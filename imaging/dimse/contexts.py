"""What may be negotiated (PS3.8 section 9.3.2.2): verification, queries, the worklist, performed steps, and storage.

Every storage SOP class is taken in every transfer syntax.
"""

from collections.abc import Iterable
from typing import Final

from pydicom import uid as pydicom_uid
from pynetdicom import sop_class
from pynetdicom.presentation import PresentationContext, build_context

from imaging.dimse.finding import STUDY_ROOT_FIND
from imaging.dimse.performed_steps import PERFORMED_STEP
from imaging.dimse.worklist import MODALITY_WORKLIST

VERIFICATION: Final = "1.2.840.10008.1.1"
#: Services whose data sets are small, and are told in plain transfer syntaxes only.
_PLAIN_SERVICES: Final = frozenset({VERIFICATION, STUDY_ROOT_FIND, MODALITY_WORKLIST, PERFORMED_STEP})
_IMAGE_ROOT: Final = "1.2.840.10008.5.1.4.1.1."
#: No data sets of PS3.5, but MIME, XML and another file format.
_NO_DATA_SET: Final = frozenset({"1.2.840.10008.1.2.6.1", "1.2.840.10008.1.2.6.2", "1.2.840.10008.1.20"})
_PLAIN_SYNTAXES: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


def _of_type(kind: str) -> dict[str, str]:
    known = pydicom_uid.UID_dictionary  # type: ignore[attr-defined]  # re-exported since pydicom 1.0
    return {str(uid): str(entry[0]) for uid, entry in known.items() if entry[1] == kind}


#: Also retired ones: an archive takes what hospitals still have.
STORAGE_CLASSES: Final = frozenset(str(uid) for uid in sop_class._STORAGE_CLASSES.values()) | frozenset(
    uid for uid, name in _of_type("SOP Class").items() if uid.startswith(_IMAGE_ROOT) and "Storage" in name
)
TRANSFER_SYNTAXES: Final = frozenset(_of_type("Transfer Syntax")) - _NO_DATA_SET


def supported(requested: Iterable[PresentationContext]) -> list[PresentationContext]:
    """What we accept of a request, each transfer syntax in the *sender's* order: it knows how its objects are stored.

    (The library takes the acceptor's order, which would make senders decompress.)
    """
    orders: dict[str, dict[str, None]] = {}
    for context in requested:
        syntaxes = orders.setdefault(str(context.abstract_syntax), {})
        syntaxes.update(dict.fromkeys(str(syntax) for syntax in context.transfer_syntax))
    found = []
    for abstract_syntax, order in orders.items():
        if abstract_syntax in _PLAIN_SERVICES:
            known = [syntax for syntax in order if syntax in _PLAIN_SYNTAXES]
        elif abstract_syntax in STORAGE_CLASSES:
            known = [syntax for syntax in order if syntax in TRANSFER_SYNTAXES]
        else:
            continue
        if known:
            found.append(build_context(abstract_syntax, known))
    return found
