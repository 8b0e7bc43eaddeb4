"""Work in the background: what is done for a study, how far it is, and trying again what failed."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Right
from imaging.api import paging, querying
from imaging.api.errors import Problem, Refused
from imaging.api.fields import MomentField, UidField
from imaging.api.resource import Resource
from imaging.api.study_query import SeveralField
from imaging.events.models import Job
from imaging.rendering import services as rendering
from imaging.studies import access, work


class JobFields(serializers.Serializer[Any]):
    """One step for one subject. Waiting and running jobs have a future; done, failed and cancelled ones a past."""

    id = serializers.IntegerField(source="pk")
    step = serializers.CharField()
    subject_uid = serializers.CharField(help_text="The study, series or instance that it is done for.")
    study_instance_uid = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in Job.State])
    attempts = serializers.IntegerField()
    due_at = MomentField(help_text="When it is, or was, to be begun.")
    problem_code = serializers.CharField(help_text="Why it failed, or what it waits for; empty when nothing is wrong.")
    created_at = MomentField()
    finished_at = MomentField(allow_null=True)


class JobQuery(paging.PageQuery):
    """Which jobs."""

    state = SeveralField(serializers.ChoiceField(choices=[state.value for state in Job.State]), help_text="Repeatable.")
    study_instance_uid = UidField(required=False, help_text="Of this study only.")


JobPage = paging.envelope(JobFields, "jobs")


class Jobs(Resource):
    """Jobs of the studies that the client may view."""

    query = JobQuery

    @extend_schema(
        operation_id="jobs_list",
        summary="Jobs",
        description="Latest first. What was done is forgotten after thirty days.",
        responses=JobPage,
    )
    def get(self, request: Request) -> Response:
        """List them."""
        asked = self.asked()
        rows = work.jobs_of(
            self.scope, states=asked.get("state", ()), study_instance_uid=asked.get("study_instance_uid", "")
        )
        with querying.bounded():
            return paging.latest_first(
                request,
                rows,
                cursor=asked.get("cursor", ""),
                limit=asked["limit"],
                show=lambda row: JobFields(row).data,
            )


class OneJob(Resource):
    """One job."""

    @extend_schema(operation_id="jobs_retrieve", summary="One job", responses=JobFields)
    def get(self, request: Request, pk: int) -> Response:
        """Tell how far it is."""
        return Response(JobFields(_job(self, pk)).data)


class JobRetry(Resource):
    """A failed job, to be tried again."""

    @extend_schema(
        operation_id="jobs_retry",
        summary="Try a failed job again",
        description="Needs the right to write to its study. A job that is not failed (any more) stays as it is. "
        "With If-Match (its ETag) it is tried only if it still is as the client saw it.",
        request=None,
        responses={202: JobFields},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Queue it."""
        job = _job(self, pk)
        self.expect(self.tag_of(JobFields(job).data))
        study = access.open_study(
            self.scope, job.study_instance_uid, actor=self.actor, purpose=access.Purpose.CHANGE, right=Right.WRITE
        )
        work.retry_job(job, study, actor=self.actor)
        return Response(JobFields(_job(self, pk)).data, status=202)


class StudyRetry(Resource):
    """Everything that failed for a study, to be tried again."""

    @extend_schema(
        operation_id="studies_retry",
        summary="Try again what failed for a study",
        description="Steps and pictures, as the button on the study's page does. Needs the right to write to it.",
        request=None,
        responses={202: None},
    )
    def post(self, request: Request, study_instance_uid: str) -> Response:
        """Queue all of it."""
        study = access.open_study(
            self.scope, study_instance_uid, actor=self.actor, purpose=access.Purpose.CHANGE, right=Right.WRITE
        )
        rendering.retry(study, actor=self.actor)
        return Response(status=202)


def _job(view: Resource, pk: int) -> Job:
    """The job, of a study that the client may view. Raises ``Refused``."""
    found = work.jobs_of(view.scope).filter(pk=pk).first()
    if found is None:
        raise Refused(Problem.NOT_FOUND)
    return found
