"""Addresses of sending images back, below a share. They hold our own UUIDs, nothing of a patient."""

from django.urls import path

from imaging.sharing.receiving import views

urlpatterns = [
    path("upload/", views.page, name="upload"),
    path("upload/begin", views.begin, name="upload-begin"),
    path("upload/tus/", views.collection, name="tus"),
    path("upload/tus/<uuid:file_id>", views.file, name="tus-file"),
    path("upload/<uuid:delivery_id>/files", views.files, name="upload-files"),
    path("upload/<uuid:delivery_id>/received", views.received, name="upload-received"),
    path("upload/<uuid:delivery_id>/cancelled", views.cancelled, name="upload-cancelled"),
]
