"""Addresses of reading and reports: imports only."""

from django.urls import include, path

app_name = "reports"

urlpatterns = [
    path("reading/", include("imaging.reports.reading.urls")),
    path("critical/", include("imaging.reports.critical.urls")),
    path("reports/templates/", include("imaging.reports.templates.urls")),
    path("reports/", include("imaging.reports.writing.urls")),
]
