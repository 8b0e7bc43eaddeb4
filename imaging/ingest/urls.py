"""Addresses of the ways in that people use: imports only."""

from django.urls import include, path

app_name = "ingest"

urlpatterns = [
    path("", include("imaging.ingest.desk.urls")),
    path("repair/", include("imaging.ingest.repair.urls")),
    path("import/", include("imaging.ingest.uploads.urls")),
    path("import/", include("imaging.ingest.imports.urls")),
]
