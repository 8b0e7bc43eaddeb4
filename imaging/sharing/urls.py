"""Addresses of who shares: making a share, its letter, and the desk."""

from django.urls import include, path

app_name = "sharing"

urlpatterns = [
    path("", include("imaging.sharing.making.urls")),
    path("", include("imaging.sharing.record.urls")),
    path("", include("imaging.sharing.letters.urls")),
    path("", include("imaging.sharing.partners.urls")),
    path("", include("imaging.sharing.desk.urls")),
    path("", include("imaging.sharing.copies.urls")),
]
