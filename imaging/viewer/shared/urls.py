"""The addresses of a share's own pages."""

from django.urls import include, path

from imaging.viewer import urls as viewer_urls  # noqa: F401 -- it knows what a UID in a path is
from imaging.viewer.shared import archive, downloads, page, reports

app_name = "share"

urlpatterns = [
    path("", page.page, name="page"),
    path("archive", archive.page, name="archive"),
    path("download", downloads.everything, name="download"),
    path("studies/<uid:study_instance_uid>/download", downloads.study, name="download-study"),
    path("studies/<uid:study_instance_uid>/report.pdf", reports.report, name="report"),
    path("", include("imaging.sharing.entrance.urls")),
]
