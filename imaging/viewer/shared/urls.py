"""The addresses of a share's own pages."""

from django.urls import include, path

from imaging.viewer import urls as viewer_urls  # noqa: F401 -- it knows what a UID in a path is
from imaging.viewer.shared import (
    archive,
    downloads,
    health_link,
    page,
    record_looks,
    reports,
    wallets,
    without_identity,
)

app_name = "share"

urlpatterns = [
    path("", page.page, name="page"),
    path("archive", archive.page, name="archive"),
    path("download", downloads.everything, name="download"),
    path("download/without-identity", without_identity.page, name="download-clean"),
    path("download/without-identity.zip", without_identity.download, name="download-clean-zip"),
    path("studies/<uid:study_instance_uid>/download", downloads.study, name="download-study"),
    path("studies/<uid:study_instance_uid>/report.pdf", reports.report, name="report"),
    path("shl", health_link.page, name="health-link"),
    path("shl/open", health_link.open_here, name="health-link-open"),
    path("shl/files/<str:place>", wallets.file, name="health-link-file"),
    path("shl/<str:token>", wallets.manifest, name="health-link-manifest"),
    path("record/looks", record_looks.page, name="record-looks"),
    path("", include("imaging.sharing.record.holders_urls")),
    path("", include("imaging.sharing.entrance.urls")),
    path("", include("imaging.sharing.receiving.urls")),
]
