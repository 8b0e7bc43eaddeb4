"""Addresses of access that is asked for, and of emergency access: imports only."""

from django.urls import include, path

app_name = "access"

urlpatterns = [
    path("", include("imaging.access.requests.urls")),
    path("emergency/", include("imaging.access.emergency.urls")),
]
