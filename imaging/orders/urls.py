"""Addresses of exam requests, from the question to the match: imports only."""

from django.urls import include, path

app_name = "orders"

urlpatterns = [
    path("requests/", include("imaging.orders.requesting.urls")),
    path("vetting/", include("imaging.orders.vetting.urls")),
    path("schedule/", include("imaging.orders.scheduling.urls")),
    path("exams/", include("imaging.orders.performing.urls")),
    path("reconcile/", include("imaging.orders.matching.urls")),
]
