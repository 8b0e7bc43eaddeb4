"""Addresses of the desks."""

from django.urls import path

from imaging.ingest.desk import conflict_views, views

urlpatterns = [
    path("quarantine/", views.page, name="quarantine"),
    path("quarantine/decide", views.decide, name="quarantine-decide"),
    path("quarantine/patients", views.patients, name="quarantine-patients"),
    path("quarantine/decisions/", views.decisions, name="quarantine-decisions"),
    path("quarantine/decisions/<int:pk>/", views.decision, name="quarantine-decision"),
    path("quarantine/decisions/<int:pk>/undo", views.undo, name="quarantine-undo"),
    path("quarantine/<int:pk>/", views.detail, name="quarantined"),
    path("conflicts/", conflict_views.page, name="conflicts"),
    path("conflicts/<int:pk>/", conflict_views.detail, name="conflict"),
    path("conflicts/<int:pk>/decide", conflict_views.decide, name="conflict-decide"),
]
