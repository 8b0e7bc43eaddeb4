"""Every address of the imaging app, door by door: imports only."""

from django.urls import include, path

urlpatterns = [
    path("api/", include("imaging.api.urls")),
    path("dicom-web/", include("imaging.dicomweb.urls")),
    path("fhir/", include("imaging.ehr.fhir.urls")),
    path("access/", include("imaging.access.urls")),
    path("figures/", include("imaging.orders.figures.urls")),
    path("privacy/", include("imaging.privacy.urls")),
    path("shared/", include("imaging.sharing.urls")),
    path("collections/", include("imaging.sharing.collections.urls")),
    path("", include("imaging.ehr.urls")),
    path("", include("imaging.orders.urls")),
    path("", include("imaging.reports.urls")),
    path("", include("imaging.ingest.urls")),
    path("", include("imaging.viewer.urls")),
]
