"""Handing objects over, and one's own imports: what was brought, and how far it is."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

from django.conf import settings
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts import selectors as accounts
from accounts.models import User
from accounts.roles import Capability, Door, Right
from imaging.api import paging
from imaging.api.errors import Problem, Refused
from imaging.api.fields import MomentField
from imaging.api.resource import Resource
from imaging.ingest import turnstile
from imaging.ingest.imports import handed_over
from imaging.ingest.imports.handed_over import Told
from imaging.ingest.imports.taking_in import OutOfRoom
from imaging.ingest.media.trouble import in_words
from imaging.ingest.models import Import
from imaging.ingest.services import QuotaReached, SpoolError
from imaging.ingest.source import Source
from imaging.ingest.uploads import selectors as imports
from imaging.ingest.uploads import staging

_DICOM: Final = "application/dicom"
_ZIP: Final = "application/zip"
_WHEN_FULL: Final = 120
_WHEN_USED_UP: Final = 3600


class ObjectFields(serializers.Serializer[Any]):
    """What became of one object. UIDs are empty where they could not be read."""

    outcome = serializers.ChoiceField(
        choices=["kept", "kept_unreadable", "refused"],
        help_text="Kept: the bytes are durable, and in the archive or on their way. Kept, unreadable: a person has to look "
        "at it. Refused: nothing was kept; code and detail say why.",
    )
    sop_class_uid = serializers.CharField()
    sop_instance_uid = serializers.CharField()
    series_instance_uid = serializers.CharField()
    study_instance_uid = serializers.CharField()
    path = serializers.CharField(help_text="Its name in the zip; empty for a single object.")
    code = serializers.CharField()
    detail = serializers.CharField()


class UploadAnswer(serializers.Serializer[Any]):
    """What became of everything that was handed over."""

    kept = serializers.IntegerField()
    refused = serializers.IntegerField()
    objects = ObjectFields(many=True)


class ImportFields(serializers.Serializer[Any]):
    """An import of a person: files that wait until the person has said what they are."""

    id = serializers.UUIDField(source="pk")
    title = serializers.CharField()
    department = serializers.CharField(source="department.code")
    state = serializers.ChoiceField(choices=[state.value for state in Import.State])
    file_count = serializers.IntegerField()
    byte_count = serializers.IntegerField()
    total_count = serializers.IntegerField(help_text="Files of the present step.")
    done_count = serializers.IntegerField(help_text="Of these, how many are done.")
    created_at = MomentField()
    expires_at = MomentField()
    finished_at = MomentField(allow_null=True)


ImportPage = paging.envelope(ImportFields, "imports")


class Uploads(Resource):
    """Where objects are handed over, and one's imports are listed."""

    query = paging.PageQuery
    takes_stream = True
    post_parameters = ("department",)

    @extend_schema(
        operation_id="uploads_list",
        summary="My imports",
        description="What the signed-in person brings by the import page, latest first. Machines have none: they are "
        "answered at once.",
        responses=ImportPage,
    )
    def get(self, request: Request) -> Response:
        """List one's own."""
        asked = self.asked()
        user = request.user if isinstance(request.user, User) else None
        return paging.latest_made_first(
            request,
            imports.deliveries_of(user),
            cursor=asked.get("cursor", ""),
            limit=asked["limit"],
            show=lambda row: ImportFields(row).data,
        )

    @extend_schema(
        operation_id="uploads_create",
        summary="Hand objects over",
        description="One DICOM object (PS3.10) as `application/dicom`, or several in a zip as `application/zip`. The "
        "answer comes when the bytes are durable, and tells the truth about each object: 200 when something was kept, 422 "
        "when nothing was. New studies are placed by the hospital's routing rules, or in the department that is named. "
        "Needs the right to write (machines), or to upload (people). Sending the same object again changes nothing.",
        parameters=[
            OpenApiParameter(
                "department",
                OpenApiTypes.STR,
                description="Code of one of your departments, for studies that are new.",
            )
        ],
        request={_DICOM: OpenApiTypes.BINARY, _ZIP: OpenApiTypes.BINARY},
        responses=UploadAnswer,
    )
    def post(self, request: Request) -> Response:
        """Take them in."""
        source = self._source(request)
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        if media_type not in {_DICOM, _ZIP} or request.headers.get("Content-Encoding", "identity") != "identity":
            raise Refused(
                Problem.MEDIA_TYPE, detail=_("Send one object as application/dicom, or several as application/zip.")
            )
        length = self._length(request)
        try:
            with turnstile.passed():
                told = [*self._taken_in(media_type, length, source)]
        except turnstile.Crowded as error:
            raise Refused(Problem.AWAY, retry_after=turnstile.RETRY_AFTER) from error
        except UnreadablePostError as error:
            raise Refused(Problem.INVALID, detail=_("The body cannot be read to its end.")) from error
        return self._answer(told)

    def _taken_in(self, media_type: str, length: int, source: Source) -> Iterator[Told]:
        """Hand over what the body holds. What was kept before there is no more room stays kept, and is told."""
        told: list[Told] = []
        try:
            if media_type == _DICOM:
                told.append(handed_over.hand_over_object(cast("BinaryIO", self.body), source=source))
            else:
                told.extend(handed_over.hand_over_zip(self.body.read, length, source=source, going_on=self.body.keep))
        except staging.Damaged as error:
            raise Refused(Problem.INVALID, detail=_("The body is shorter than its length says.")) from error
        except (staging.NoRoom, SpoolError, OutOfRoom) as error:
            is_quota = isinstance(error, QuotaReached) or getattr(error, "code", "") == "quota"
            raise Refused(
                Problem.NO_ROOM,
                detail=_("The quota of this sender is used up for today.") if is_quota else "",
                retry_after=_WHEN_USED_UP if is_quota else _WHEN_FULL,
                more={"objects": [_shown(one) for one in told]},
            ) from error
        yield from told

    def _answer(self, told: list[Told]) -> Response:
        """Tell what became of each."""
        refused = [one for one in told if one.refusal]
        if refused:
            audit.record(
                audit.Action.STORE_REFUSED,
                actor=self.actor,
                outcome=audit.Outcome.REFUSED,
                detail={"refused": len(refused), "kept": len(told) - len(refused)},
            )
        if len(refused) == len(told):
            raise Refused(Problem.NOT_STORED, more={"objects": [_shown(one) for one in refused]})
        answer = {
            "kept": len(told) - len(refused),
            "refused": len(refused),
            "objects": [_shown(one) for one in told],
        }
        return Response(answer)

    def _source(self, request: Request) -> Source:
        """The sender, with the departments to whose studies it may add. Raises ``Refused``."""
        if isinstance(request.user, User):
            held = accounts.capabilities_by_department(request.user).get(Capability.UPLOAD, frozenset())
        else:
            held = self.scope.departments_with(Right.WRITE)
        if not held:
            raise Refused(Problem.FORBIDDEN)
        code = request.query_params.get("department", "")
        placed = tuple(row.pk for row in accounts.departments_named(held) if code and row.code == code)
        if code and not placed:
            raise serializers.ValidationError({"department": _("You may not bring images to this department.")})
        return Source(
            door=Door.API,
            sender=self.actor.name,
            actor_kind=self.actor.kind,
            actor_id=self.actor.id,
            address=self.actor.address,
            department_ids=tuple(sorted(held)),
            place_in=placed,
        )

    def _length(self, request: Request) -> int:
        said = str(request.META.get("CONTENT_LENGTH") or "")
        if not (said.isascii() and said.isdigit()):
            raise Refused(Problem.LENGTH)
        if int(said) > settings.UPLOAD_QUOTA_BYTES:
            raise Refused(Problem.TOO_LARGE)
        return int(said)


class OneUpload(Resource):
    """One of one's imports."""

    @extend_schema(operation_id="uploads_retrieve", summary="One of my imports", responses=ImportFields)
    def get(self, request: Request, pk: UUID) -> Response:
        """Tell how far it is."""
        found = imports.delivery_of(request.user, pk) if isinstance(request.user, User) else None
        if found is None:
            raise Refused(Problem.NOT_FOUND)
        return Response(ImportFields(found).data)


def _shown(one: Told) -> dict[str, str]:
    header = one.header
    return {
        "outcome": "refused" if one.refusal else "kept_unreadable" if one.is_unreadable else "kept",
        "sop_class_uid": header.instance.sop_class_uid if header else "",
        "sop_instance_uid": header.instance.sop_instance_uid if header else "",
        "series_instance_uid": header.series.series_instance_uid if header else "",
        "study_instance_uid": header.study.study_instance_uid if header else "",
        "path": one.path,
        "code": one.refusal,
        "detail": in_words(one.refusal) if one.refusal else "",
    }
