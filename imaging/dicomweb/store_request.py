"""Walks through the parts of a store request, and hands each object over as it comes (PS3.18 section 10.5.1)."""

from typing import BinaryIO, Final, cast

from django.utils.translation import gettext as _

from imaging.dicomweb import negotiation, store_metadata, store_xml
from imaging.dicomweb.multipart_reader import BrokenBody, MultipartReader, Part
from imaging.dicomweb.store_answer import Failure, Warned
from imaging.dicomweb.store_assembly import Assembler, UnknownSyntax, Waiting
from imaging.dicomweb.store_body import Body, Declined, Form, StalledBody
from imaging.dicomweb.store_delivery import Delivery
from imaging.dicomweb.store_metadata import BadMetadata, Skeleton
from imaging.ingest import services as ingest
from imaging.ingest.services import QuotaReached, SpoolError, SpoolFull

#: Seconds after which it may be worth trying again.
_WHEN_FULL: Final = 120
_WHEN_USED_UP: Final = 3600
_WHEN_BUSY: Final = 5
_IDENTITY: Final = frozenset({"", "binary", "8bit", "7bit", "identity"})


def deliver(body: Body, form: Form, delivery: Delivery) -> Declined | None:
    """Hand over everything in the body; why it was not read to its end, or None when it was.

    Whatever happens, what was held is registered.
    """
    try:
        try:
            _walk(body, form, delivery)
        finally:
            delivery.finish()
    except BrokenBody as error:
        declined = Declined(400, str(error))
    except StalledBody:
        return Declined(408, _("Nothing came for too long."))
    except QuotaReached:
        declined = Declined(507, _("The quota of this sender is used up for today."), retry_after=_WHEN_USED_UP)
    except SpoolFull:
        declined = Declined(507, _("There is no room left on the disk."), retry_after=_WHEN_FULL)
    except SpoolError:
        declined = Declined(503, _("Nothing can be kept at the moment."), retry_after=_WHEN_BUSY)
    else:
        return None
    body.drain()
    return declined


def _walk(body: Body, form: Form, delivery: Delivery) -> None:
    if form.is_single:
        delivery.take(cast(BinaryIO, body))
        return
    reader = MultipartReader(body.read, form.boundary)
    described = _Described(delivery, form.root)
    number = 0
    try:
        for number, part in enumerate(reader.parts(), 1):
            if not _is_plain(part):
                delivery.fail(Failure.PART_NOT_UNDERSTOOD, "a part is encoded")
                continue
            name = part.media_type().name or (form.root if number == 1 or form.root == negotiation.DICOM else "")
            if name == negotiation.DICOM:
                delivery.take(cast(BinaryIO, part))
            elif form.root == negotiation.DICOM or name.startswith("multipart/"):
                delivery.fail(Failure.PART_NOT_UNDERSTOOD, "a part is of another type than the request says")
            elif name in {negotiation.DICOM_JSON, negotiation.DICOM_XML}:
                described.read_metadata(part, name)
            else:
                described.read_bulk(part)
    finally:
        described.end()
    if not number:
        raise BrokenBody(_("The body has no parts."))


def _is_plain(part: Part) -> bool:
    encodings = (part.fields.get(name, "") for name in ("content-transfer-encoding", "content-encoding"))
    return all(encoding.lower() in _IDENTITY for encoding in encodings)


class _Described:
    """Instances that come as metadata, and the bulk data that they name."""

    def __init__(self, delivery: Delivery, root: str) -> None:
        self._delivery = delivery
        self._root = root
        self._assembler = Assembler(ingest.spool(), delivery.source)

    def read_metadata(self, part: Part, name: str) -> None:
        """Take the instances that one part describes."""
        limit = store_xml.XML_OCTETS if name == negotiation.DICOM_XML else store_metadata.JSON_OCTETS
        content = bytearray()
        while piece := part.read():
            content += piece
            if len(content) > limit:
                self._delivery.fail(Failure.PART_NOT_UNDERSTOOD, f"a part of metadata is longer than {limit} bytes")
                return
        try:
            if name == negotiation.DICOM_XML:
                self._expect(store_xml.read_xml(bytes(content)))
            else:
                for dataset in store_metadata.read_json(bytes(content)):
                    self._expect(dataset)
        except BadMetadata as error:
            self._delivery.fail(Failure.PART_NOT_UNDERSTOOD, str(error))

    def _expect(self, dataset: store_metadata.Dataset) -> None:
        try:
            waiting = self._assembler.expect(store_metadata.skeleton(dataset))
        except BadMetadata as error:
            sop_class_uid, sop_instance_uid = store_metadata.identity(dataset)
            self._fail(Failure.CANNOT_UNDERSTAND, str(error), Skeleton([], sop_class_uid, sop_instance_uid))
            return
        if waiting.is_complete:
            self._hand_over(waiting)

    def read_bulk(self, part: Part) -> None:
        """Take one part of bulk data, and hand over what is complete with it."""
        try:
            complete = self._assembler.receive(part)
        except UnknownSyntax:
            for skeleton in self._assembler.reject(part.location):
                self._fail(
                    Failure.TRANSFER_SYNTAX_NOT_SUPPORTED, "pixel data in a type that cannot be stored", skeleton
                )
            return
        except BadMetadata as error:
            self._delivery.fail(Failure.PART_NOT_UNDERSTOOD, str(error))
            return
        try:
            for waiting in complete:
                self._hand_over(waiting)
        finally:
            # When one of them ends the request, nobody comes for the others.
            for waiting in complete:
                waiting.release()

    def end(self) -> None:
        """Tell of what never became complete."""
        for skeleton in self._assembler.abandon():
            self._fail(Failure.BULK_DATA_MISSING, "bulk data did not come as a part", skeleton)

    def _hand_over(self, waiting: Waiting) -> None:
        skeleton = waiting.skeleton
        warning = Warned.ELEMENTS_DISCARDED if skeleton.discarded else Warned.COERCED if skeleton.coerced else None
        try:
            self._delivery.take(
                waiting.file(),
                sop_class_uid=skeleton.sop_class_uid,
                sop_instance_uid=skeleton.sop_instance_uid,
                warning=warning,
            )
        except BadMetadata as error:
            self._fail(Failure.CANNOT_UNDERSTAND, str(error), skeleton)
        finally:
            waiting.release()

    def _fail(self, failure: Failure, comment: str, skeleton: Skeleton) -> None:
        self._delivery.fail(
            failure, comment, sop_class_uid=skeleton.sop_class_uid, sop_instance_uid=skeleton.sop_instance_uid
        )
