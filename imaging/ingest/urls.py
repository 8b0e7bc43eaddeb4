"""Addresses of the ways in that people use: imports only."""

from django.urls import include, path

app_name = "ingest"

urlpatterns = [
    path("import/", include("imaging.ingest.uploads.urls")),
]
