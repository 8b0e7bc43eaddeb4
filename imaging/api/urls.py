"""Addresses of the REST API: one line for each resource, in a module of its own."""

from django.urls import URLPattern, path, register_converter

from imaging.api import (
    departments,
    docs,
    events,
    index,
    instances,
    jobs,
    me,
    patients,
    placements,
    problems,
    series,
    studies,
    studies_of_patient,
    uploads,
    webhooks,
)


class ApiUidConverter:
    """A UID (PS3.5 section 9.1). Anything else is no resource."""

    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        """Give the view the UID as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Write the UID as it is."""
        return value


class KeyConverter:
    """A number of ours: what is longer than the database can count to is no resource."""

    regex = r"[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """Give the view the number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Write the number."""
        return str(value)


register_converter(ApiUidConverter, "apiuid")
register_converter(KeyConverter, "key")

app_name = "api"

STUDY = "studies/<apiuid:study_instance_uid>"
SERIES = f"{STUDY}/series/<apiuid:series_instance_uid>"
INSTANCE = f"{SERIES}/instances/<apiuid:sop_instance_uid>"

RESOURCES: list[URLPattern] = [
    path("", index.Index.as_view(), name="index"),
    path("me", me.Me.as_view(), name="me"),
    path("departments", departments.Departments.as_view(), name="departments"),
    path("patients", patients.Patients.as_view(), name="patients"),
    path("patients/<key:pk>", patients.OnePatient.as_view(), name="patient"),
    path("patients/<key:pk>/studies", studies_of_patient.StudiesOfPatient.as_view(), name="patient-studies"),
    path("studies", studies.Studies.as_view(), name="studies"),
    path(STUDY, studies.OneStudy.as_view(), name="study"),
    path(f"{STUDY}/placements", placements.PlacementsOfStudy.as_view(), name="placements"),
    path(f"{STUDY}/retry", jobs.StudyRetry.as_view(), name="study-retry"),
    path(f"{STUDY}/series", series.SeriesOfStudy.as_view(), name="series-of-study"),
    path(SERIES, series.OneSeries.as_view(), name="series"),
    path(f"{SERIES}/instances", instances.InstancesOfSeries.as_view(), name="instances"),
    path(INSTANCE, instances.OneInstance.as_view(), name="instance"),
    path("problems", problems.Problems.as_view(), name="problems"),
    path("jobs", jobs.Jobs.as_view(), name="jobs"),
    path("jobs/<key:pk>", jobs.OneJob.as_view(), name="job"),
    path("jobs/<key:pk>/retry", jobs.JobRetry.as_view(), name="job-retry"),
    path("events", events.Events.as_view(), name="events"),
    path("webhooks", webhooks.Webhooks.as_view(), name="webhooks"),
    path("webhooks/<uuid:key>", webhooks.OneWebhook.as_view(), name="webhook"),
    path("webhooks/<uuid:key>/attempts", webhooks.WebhookAttempts.as_view(), name="webhook-attempts"),
    path("webhooks/<uuid:key>/resume", webhooks.WebhookResume.as_view(), name="webhook-resume"),
    path("webhooks/<uuid:key>/secret", webhooks.WebhookSecret.as_view(), name="webhook-secret"),
    path("webhooks/<uuid:key>/test", webhooks.WebhookTest.as_view(), name="webhook-test"),
    path("uploads", uploads.Uploads.as_view(), name="uploads"),
    path("uploads/<uuid:pk>", uploads.OneUpload.as_view(), name="upload"),
]

urlpatterns = [
    *(
        path(f"v1/{resource.pattern}", resource.callback, resource.default_args, resource.name)
        for resource in RESOURCES
    ),
    path("schema/", docs.Schema.as_view(), name="schema"),
    path("docs/", docs.reference, name="docs"),
    path("docs/problems", docs.problems, name="docs-problems"),
]
