"""Addresses of the repair pages."""

from django.urls import path

from imaging.ingest.repair import views

urlpatterns = [
    path("", views.decided, name="repairs"),
    path("undo", views.undo, name="repair-undo"),
    path("<str:study_instance_uid>/", views.page, name="repair"),
    path("<str:study_instance_uid>/preview", views.preview, name="repair-preview"),
    path("<str:study_instance_uid>/do", views.carry_out, name="repair-do"),
    path("<str:study_instance_uid>/patients", views.find_patients, name="repair-patients"),
    path("<str:study_instance_uid>/studies", views.find_studies, name="repair-studies"),
]
