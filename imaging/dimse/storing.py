"""Handing objects to a peer: C-STORE as SCU (PS3.4 annex B, PS3.7 section 9.1.1), out of a file that is never held whole.

An object goes out in the transfer syntax in which it is stored: each has a presentation context of its own, and what the
peer does not take is told of that object alone.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from pynetdicom import _config

from imaging.dimse import calling
from imaging.dimse.calling import Heard, NotHeard
from imaging.sharing.models import Partner
from imaging.sharing.partners.carrying import Answer, Away, Forms, Parcel, Taken, TurnedAway, of_status

# The library reads a file it is given piece by piece, and not into a data set of its own.
_config.STORE_SEND_CHUNKED_DATASET = True

#: Seconds for connecting and for the association; and for the answer to an object, which a peer may write to a tape first.
_PATIENCE: Final = 20.0
_ANSWER_WITHIN: Final = 180.0
#: PS3.8 section 9.3.3.2: the result of a context whose transfer syntaxes are not taken.
_SYNTAXES_NOT_TAKEN: Final = 4
#: What a person has to put right before anything goes; all else may be another time.
_SETTINGS: Final = frozenset(
    {
        *(Heard.NOT_ALLOWED, Heard.OUR_TITLE_UNKNOWN, Heard.ITS_TITLE_UNKNOWN, Heard.REJECTED),
        *(Heard.NO_DICOM, Heard.NO_TLS),
    }
)


@contextlib.contextmanager
def line(partner: Partner, forms: Forms) -> Iterator["StoreLine"]:
    """Open an association with a partner for objects of these forms. Raises ``Away`` and ``TurnedAway``."""
    device = partner.device
    host = (device.host or device.address) if device else ""
    if device is None or not device.port or not host:
        raise TurnedAway("not_configured")
    try:
        association = calling.called(
            host,
            device.port,
            called_ae_title=device.ae_title,
            calling_ae_title=settings.DICOM_AE_TITLE,
            contexts=[(sop_class, [syntax]) for sop_class, syntax in forms],
            patience=_PATIENCE,
            answer_within=_ANSWER_WITHIN,
            certificates=partner.certificates if partner.uses_tls else None,
        )
    except NotHeard as error:
        if error.heard is Heard.NO_VERIFICATION:  # an association without a single context that it takes
            yield StoreLine(None)
            return
        code = error.heard.value
        raise (TurnedAway(code) if error.heard in _SETTINGS else Away(code)) from None
    try:
        yield StoreLine(association)
    finally:
        if association.is_established:
            association.release()


class StoreLine:
    """An association for storage; without one, the peer takes none of the forms that were offered."""

    def __init__(self, association: Any | None) -> None:
        self._association = association
        accepted = association.accepted_contexts if association is not None else ()
        rejected = association.rejected_contexts if association is not None else ()
        self._accepted = {(str(context.abstract_syntax), str(context.transfer_syntax[0])) for context in accepted}
        # A context that was refused does not tell which syntax it offered.
        self._of_syntax = {str(context.abstract_syntax) for context in accepted} | {
            str(context.abstract_syntax) for context in rejected if context.result == _SYNTAXES_NOT_TAKEN
        }

    def store(self, parcel: Parcel) -> Answer:
        """Send one object, and return what the peer says of it."""
        if self._association is None:
            return Answer(Taken.REFUSED, "form_not_taken")
        if (parcel.sop_class_uid, parcel.transfer_syntax_uid) not in self._accepted:
            is_syntax = parcel.sop_class_uid in self._of_syntax
            return Answer(Taken.REFUSED, "syntax_not_taken" if is_syntax else "class_not_taken")
        folder = Path(settings.DATA_DIR) / "sending"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Without a name: nothing of a patient stays behind, however this process ends.
        with tempfile.TemporaryFile(dir=folder) as file:
            for piece in parcel.content.read():
                file.write(piece)
            file.flush()
            return self._sent(Path(f"/proc/self/fd/{file.fileno()}"))

    def _sent(self, path: Path) -> Answer:
        association = self._association
        try:
            status = association.send_c_store(path)  # type: ignore[union-attr]
        except RuntimeError:  # the peer has ended the association
            raise Away("connection_lost") from None
        except (AttributeError, ValueError):  # no data set of the form that its row tells
            return Answer(Taken.REFUSED, "unreadable_here")
        if "Status" not in status:  # no answer, or none that can be understood
            raise Away("connection_lost")
        return of_status(int(status.Status), str(status.get("ErrorComment", "") or ""))
