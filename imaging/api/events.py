"""The change feed: what has changed since a client last asked, of the studies that it may list or could list before."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from imaging.api import querying
from imaging.api.errors import Problem, Refused
from imaging.api.fields import MomentField
from imaging.api.resource import Resource
from imaging.studies import changes


class ChangeFields(serializers.Serializer[Any]):
    """One change. What the study is like now is read from the study."""

    sequence = serializers.IntegerField(help_text="Rises with every change; numbers may be left out.")
    type = serializers.CharField(
        source="kind",
        help_text="`study.changed` (images arrived, were corrected or withdrawn), `study.settled`, or `study.removed`: it "
        "is no longer in your departments, or was withdrawn; give up your copy.",
    )
    study_instance_uid = serializers.CharField()
    changed_at = MomentField()


class EventQuery(serializers.Serializer[Any]):
    """From where on."""

    after = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2**63 - 1,
        default=0,
        help_text="`next_after` of the answer before; 0 for the beginning of what is kept (90 days).",
    )
    limit = serializers.IntegerField(required=False, min_value=1, max_value=changes.MOST, default=100)


class EventPage(serializers.Serializer[Any]):
    """Changes in order, without a gap."""

    results = ChangeFields(many=True)
    next_after = serializers.IntegerField(help_text="Where to go on. Keep it: it is the client's place in the feed.")
    more = serializers.BooleanField(help_text="Whether to ask again at once, even after an empty page.")
    scope = serializers.CharField(
        help_text="Stays the same while you may list the same departments. Once it differs, list the studies anew."
    )


class Events(Resource):
    """The change feed."""

    query = EventQuery
    own_refusals = ("410",)

    @extend_schema(
        operation_id="events_list",
        summary="What has changed",
        description="Ask every few seconds with `next_after`, or let a webhook tell. A place older than 90 days, or of "
        "another archive, is refused with 410: list the studies anew and go on from `next_after` of `after=0`.",
        responses=EventPage,
    )
    def get(self, request: Request) -> Response:
        """Tell what changed."""
        asked = self.asked()
        try:
            with querying.bounded():
                page = changes.changes_after(self.scope, asked["after"], limit=asked["limit"])
        except changes.Forgotten as error:
            raise Refused(
                Problem.FORGOTTEN,
                detail=_("Changes before this place are no longer kept. List the studies anew, and go on from there."),
                more={"first": error.first},
            ) from error
        return Response(
            {
                "results": ChangeFields(page.changes, many=True).data,
                "next_after": page.next_after,
                "more": page.more,
                "scope": changes.extent(self.scope),
            }
        )
