"""N-CREATE and N-SET messages over an association (PS3.7 sections 10.1.5 and 10.1.3), in the association's own thread."""

from typing import TYPE_CHECKING, Any, Final, cast

from pynetdicom.dimse_primitives import N_ACTION, N_CREATE, N_DELETE, N_EVENT_REPORT, N_GET, N_SET

from imaging.dimse import status
from imaging.dimse.performed_steps import PERFORMED_STEP, Told
from imaging.dimse.reception import Context

if TYPE_CHECKING:
    from imaging.dimse.upper_layer import StreamingAssociation

#: Every operation of the class: those that it does not have are refused by name.
_OPERATIONS: Final = (N_CREATE, N_SET, N_GET, N_ACTION, N_DELETE, N_EVENT_REPORT)


def is_report(message: Any, abstract_syntax: str) -> bool:
    """Whether a message is a request of the class that is answered here."""
    return (
        isinstance(message, _OPERATIONS)
        and message.MessageID is not None
        and message.MessageIDBeingRespondedTo is None
        and abstract_syntax == PERFORMED_STEP
    )


def serve(association: "StreamingAssociation", request: Any, context_id: int, context: Context) -> None:
    """Answer one request."""
    told = _told(association, request, context)
    answer = type(request)()
    answer.MessageIDBeingRespondedTo = request.MessageID
    answer.AffectedSOPClassUID = PERFORMED_STEP
    if told.sop_instance_uid:
        answer.AffectedSOPInstanceUID = told.sop_instance_uid
    answer.Status = told.status.code
    if told.status.comment:
        answer.ErrorComment = told.status.comment
    if told.error_id is not None:
        answer.ErrorID = told.error_id
    if told.tags and isinstance(answer, N_SET):
        cast(Any, answer).AttributeIdentifierList = list(told.tags)
    if association.is_established:
        association.dimse.send_msg(answer, context_id)


def _told(association: "StreamingAssociation", request: Any, context: Context) -> Told:
    if isinstance(request, N_CREATE):
        named, sop_class = request.AffectedSOPInstanceUID, request.AffectedSOPClassUID
        data, take = request.AttributeList, association.performed_steps.begin
    elif isinstance(request, N_SET):
        named, sop_class = request.RequestedSOPInstanceUID, request.RequestedSOPClassUID
        data, take = request.ModificationList, association.performed_steps.change
    else:
        return Told(status.OPERATION_NOT_OFFERED)
    uid = str(named or "")
    if str(sop_class or "") != PERFORMED_STEP:
        return Told(status.CLASS_CONFLICT, uid)
    if data is None or not (encoded := data.getvalue()):
        return Told(status.of_attribute(0x0120, "The request has no data set"), uid)
    return take(uid, encoded, transfer_syntax_uid=context.transfer_syntax, asker=association.asker)
