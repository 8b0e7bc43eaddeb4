"""Addresses of the uploads. They hold our own UUIDs, nothing of a patient (DESIGN 5.6)."""

from django.urls import path

from imaging.ingest.uploads import tus, views

urlpatterns = [
    path("", views.page, name="uploads"),
    path("begin", views.begin, name="upload-begin"),
    path("tus/", tus.collection, name="tus"),
    path("tus/<uuid:file_id>", tus.file, name="tus-file"),
    path("<uuid:delivery_id>/files", views.files, name="upload-files"),
    path("<uuid:delivery_id>/received", views.received, name="upload-received"),
    path("<uuid:delivery_id>/cancelled", views.cancelled, name="upload-cancelled"),
]
