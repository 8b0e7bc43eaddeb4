"""C-FIND messages over an association (PS3.7 section 9.1.2): the request in, answers out as fast as the peer takes them.

Runs in the association's own thread. While matches wait to be sent no more are made, and between two lots of them the upper
layer has time to hear a C-CANCEL.
"""

import io
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from pynetdicom.dimse_primitives import C_FIND

from imaging.dimse import status
from imaging.dimse.finding import STUDY_ROOT_FIND, Agreed, Answer
from imaging.dimse.reception import Context
from imaging.dimse.status import Status
from imaging.dimse.worklist import MODALITY_WORKLIST

if TYPE_CHECKING:
    from imaging.dimse.upper_layer import StreamingAssociation

#: Answers that wait to be sent at most, before the peer gets a word in.
_LOT: Final = 64
#: A little longer than the upper layer waits for data when it has nothing to send.
_WORD: Final = 0.025
_POLL: Final = 0.001
#: Seconds for which a peer may take no answer.
_PATIENCE: Final = 30.0
_EMPTY: Final = b""


def is_query(message: Any, abstract_syntax: str) -> bool:
    """Whether a message is a C-FIND request that is answered here."""
    return (
        isinstance(message, C_FIND)
        and message.MessageID is not None
        and message.MessageIDBeingRespondedTo is None
        and abstract_syntax in {STUDY_ROOT_FIND, MODALITY_WORKLIST}
    )


def serve(association: "StreamingAssociation", request: C_FIND, context_id: int, context: Context) -> None:
    """Answer one request, to its end or to that of the association."""
    association.dimse.cancel_req = {}
    if request.Identifier is None:
        _send(association, request, context_id, status.NO_DATA_SET, None)
        return
    answers = _answers(
        association,
        request.Identifier.getvalue(),
        context,
        is_cancelled=lambda: request.MessageID in association.dimse.cancel_req,
    )
    for number, (state, match) in enumerate(answers, 1):
        if not _send(association, request, context_id, state, match):
            return
        if number % _LOT == 0 and not _gets_through(association):
            return
    association.dimse.cancel_req = {}


def _answers(
    association: "StreamingAssociation", encoded: bytes, context: Context, *, is_cancelled: Callable[[], bool]
) -> Iterator[Answer]:
    """By the service that the presentation context was agreed on for."""
    if context.abstract_syntax == MODALITY_WORKLIST:
        return association.worklist.answers(
            encoded,
            transfer_syntax_uid=context.transfer_syntax,
            asker=association.asker,
            is_cancelled=is_cancelled,
        )
    return association.finder.answers(
        encoded,
        transfer_syntax_uid=context.transfer_syntax,
        asker=association.asker,
        agreed=association.agreed,
        is_cancelled=is_cancelled,
    )


def _gets_through(association: "StreamingAssociation") -> bool:
    """Wait until all has been sent and the peer could say something; False when it takes nothing any more."""
    deadline = time.monotonic() + _PATIENCE
    while not association.dul.to_provider_queue.empty():
        if not association.is_established or time.monotonic() > deadline:
            association.abort()
            return False
        time.sleep(_POLL)
    time.sleep(_WORD)
    return True


def _send(
    association: "StreamingAssociation", request: C_FIND, context_id: int, state: Status, match: bytes | None
) -> bool:
    """Hand one answer to the upper layer; False when the association has ended."""
    if not association.is_established:
        return False
    answer = C_FIND()
    answer.MessageIDBeingRespondedTo = request.MessageID
    answer.AffectedSOPClassUID = request.AffectedSOPClassUID
    answer.Status = state.code
    if state.comment:
        cast(Any, answer).ErrorComment = state.comment
    if match is not None:
        answer.Identifier = io.BytesIO(match)
    association.dimse.send_msg(answer, context_id)
    return True


def agreed(offered: dict[Any, bytes]) -> Agreed:
    """What of an extended negotiation is given: relational queries, combined date and time, fuzzy names (PS3.4 table C.5-1)."""
    asked = offered.get(STUDY_ROOT_FIND, _EMPTY)
    relational, combined, fuzzy = (len(asked) > place and asked[place] == 1 for place in range(3))
    return Agreed(is_relational=relational, is_combined=combined, is_fuzzy=fuzzy)


def agreement(offered: dict[Any, bytes]) -> dict[Any, bytes]:
    """The answer to it: what was asked for and is given, and nothing more than was asked."""
    asked = offered.get(STUDY_ROOT_FIND)
    if not asked:
        return {}
    given = agreed(offered)
    flags = bytes((given.is_relational, given.is_combined, given.is_fuzzy))
    # Further items (time zones, an enhanced model) are not offered.
    return {STUDY_ROOT_FIND: (flags + bytes(len(asked)))[: len(asked)]}
