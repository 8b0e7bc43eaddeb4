"""Addresses of who shares: making a share, and the desk."""

from django.urls import include, path

app_name = "sharing"

urlpatterns = [
    path("", include("imaging.sharing.making.urls")),
    path("", include("imaging.sharing.desk.urls")),
]
