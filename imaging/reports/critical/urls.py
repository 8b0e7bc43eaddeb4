"""Addresses of critical findings."""

from django.urls import path

from imaging.reports.critical import views
from imaging.reports.reading import urls as reading  # noqa: F401 -- its converter of UIDs

urlpatterns = [
    path("", views.page, name="critical-list"),
    path("raise/<readuid:study_instance_uid>", views.raise_finding, name="critical-raise"),
    path("<uuid:key>/", views.detail, name="critical"),
    path("<uuid:key>/acknowledge", views.acknowledge, name="critical-acknowledge"),
    path("<uuid:key>/told", views.told, name="critical-told"),
    path("<uuid:key>/withdraw", views.withdraw, name="critical-withdraw"),
]
