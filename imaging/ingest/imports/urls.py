"""Addresses of imports. They hold our own UUIDs, nothing of a patient (DESIGN 5.6)."""

from django.urls import path

from imaging.ingest.imports import views

urlpatterns = [
    path("inbox/", views.inbox_page, name="inbox"),
    path("inbox/<uuid:delivery_id>/take", views.take, name="inbox-take"),
    path("<uuid:delivery_id>/", views.page, name="import"),
    path("<uuid:delivery_id>/progress", views.progress, name="import-progress"),
    path("<uuid:delivery_id>/confirm", views.confirm, name="import-confirm"),
    path("<uuid:delivery_id>/discard", views.discard, name="import-discard"),
    path("<uuid:delivery_id>/put-back", views.put_back, name="import-put-back"),
    path("<uuid:delivery_id>/stop", views.stop, name="import-stop"),
]
