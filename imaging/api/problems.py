"""What went wrong and waits for somebody: failed steps and pictures, second versions, objects in quarantine."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.roles import Right
from imaging.api import paging, querying
from imaging.api.fields import MomentField, UidField
from imaging.api.resource import Resource
from imaging.api.study_query import SeveralField
from imaging.events.models import Job
from imaging.ingest.desk import conflicts
from imaging.ingest.desk import selectors as desk
from imaging.ingest.models import QuarantinedObject
from imaging.rendering import failures
from imaging.rendering.models import Rendition
from imaging.studies import work
from imaging.studies.models import InstanceVersion

KINDS: Final = ("step_failed", "picture_failed", "conflict", "quarantined")


class ProblemFields(serializers.Serializer[Any]):
    """Something that went wrong. UIDs are empty where it concerns no single series or instance."""

    id = serializers.CharField(help_text="Lasting while the problem does.")
    kind = serializers.ChoiceField(choices=KINDS)
    code = serializers.CharField(help_text="What is wrong, in one word: stable, for programs.")
    what = serializers.CharField(help_text="The step, the kind of picture, or who sent the object.")
    study_instance_uid = serializers.CharField()
    series_instance_uid = serializers.CharField()
    sop_instance_uid = serializers.CharField()
    at = MomentField(allow_null=True)


class ProblemQuery(paging.PageQuery):
    """Which problems."""

    kind = SeveralField(serializers.ChoiceField(choices=KINDS), help_text="Repeatable.")
    study_instance_uid = UidField(required=False, help_text="Of this study only.")


ProblemPage = paging.envelope(ProblemFields, "problems")


class Problems(Resource):
    """What went wrong, as far as the client may see it."""

    query = ProblemQuery

    @extend_schema(
        operation_id="problems_list",
        summary="Problems",
        description="Of the studies that you may view; objects in quarantine only for people who decide about them, never "
        "for machines. By kind, the latest first.",
        responses=ProblemPage,
    )
    def get(self, request: Request) -> Response:
        """List them."""
        asked = self.asked()
        limit, cursor = asked["limit"], asked.get("cursor", "")
        kinds = [kind for kind in KINDS if not asked.get("kind") or kind in asked["kind"]]
        begun, before = paging.read(cursor, int, int) or (0, 0)
        found: list[tuple[int, Any]] = []
        with querying.bounded():
            for number, kind in enumerate(KINDS):
                if kind in kinds and number >= begun and len(found) <= limit:
                    rows = self._rows(kind, asked.get("study_instance_uid", ""))
                    if number == begun and before:
                        rows = rows.filter(pk__lt=before)
                    found += [(number, row) for row in rows.order_by("-pk")[: limit + 1 - len(found)]]
        shown = found[:limit]
        following = paging.written(shown[-1][0], shown[-1][1].pk) if len(found) > limit else ""
        return paging.answer(request, [_shown(row) for _number, row in shown], following=following)

    def _rows(self, kind: str, uid: str) -> QuerySet[Any]:
        if kind == "step_failed":
            return work.jobs_of(self.scope, states=[Job.State.FAILED], study_instance_uid=uid)
        if kind == "picture_failed":
            return failures.failed_pictures(self.scope, study_instance_uid=uid)
        if kind == "conflict":
            rows: QuerySet[Any] = conflicts.waiting(self.scope, right=Right.VIEW)
            rows = rows.select_related("instance__series__study")
            return rows.filter(instance__study__study_instance_uid=uid) if uid else rows
        waiting = self._quarantined()
        return waiting.filter(study_instance_uid=uid) if uid else waiting

    def _quarantined(self) -> QuerySet[Any]:
        """What waits for this person's decision; nothing for anybody else."""
        user = self.request.user if isinstance(self.request.user, User) else AnonymousUser()
        decider = desk.decider(user, actor=self.actor, scope=self.scope)
        rows = desk.visible(decider.departments if decider else ())
        return rows.filter(state__in=desk.WAITING) if decider else rows.none()


def _shown(row: Any) -> dict[str, Any]:
    kind = next(kind for kind in _WRITERS if isinstance(row, kind))
    found = _WRITERS[kind](row)
    at = found["at"]
    return {**found, "at": MomentField().to_representation(at) if at else None}


def _of_job(row: Job) -> dict[str, Any]:
    return {
        "id": f"step-{row.pk}",
        "kind": "step_failed",
        "code": row.problem_code,
        "what": row.step,
        "study_instance_uid": row.study_instance_uid,
        "series_instance_uid": "",
        "sop_instance_uid": "",
        "at": row.finished_at,
    }


def _of_picture(row: Rendition) -> dict[str, Any]:
    return {
        "id": f"picture-{row.pk}",
        "kind": "picture_failed",
        "code": row.problem_code,
        "what": row.kind,
        **_uids(row.version),
        "at": row.made_at,
    }


def _of_conflict(row: InstanceVersion) -> dict[str, Any]:
    return {
        "id": f"conflict-{row.pk}",
        "kind": "conflict",
        "code": "other_content",
        "what": row.sender,
        **_uids(row),
        "at": row.received_at,
    }


def _of_quarantined(row: QuarantinedObject) -> dict[str, Any]:
    return {
        "id": f"quarantined-{row.pk}",
        "kind": "quarantined",
        "code": row.reason,
        "what": row.sender,
        "study_instance_uid": row.study_instance_uid,
        "series_instance_uid": "",
        "sop_instance_uid": row.sop_instance_uid,
        "at": row.received_at,
    }


def _uids(version: InstanceVersion) -> dict[str, str]:
    series = version.instance.series
    return {
        "study_instance_uid": series.study.study_instance_uid,
        "series_instance_uid": series.series_instance_uid,
        "sop_instance_uid": version.instance.sop_instance_uid,
    }


_WRITERS: Final[dict[type, Callable[[Any], dict[str, Any]]]] = {
    Job: _of_job,
    Rendition: _of_picture,
    InstanceVersion: _of_conflict,
    QuarantinedObject: _of_quarantined,
}
