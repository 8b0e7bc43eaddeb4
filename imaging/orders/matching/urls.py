"""Addresses under /reconcile/."""

from django.urls import path

from imaging.orders.matching import views

urlpatterns = [
    path("", views.page, name="reconcile"),
    path("live", views.live, name="reconcile-live"),
    path("studies/<str:study_instance_uid>/", views.study, name="reconcile-study"),
    path("studies/<str:study_instance_uid>/link", views.link, name="reconcile-link"),
    path("studies/<str:study_instance_uid>/unlink", views.unlink, name="reconcile-unlink"),
    path("studies/<str:study_instance_uid>/settle", views.settle, name="reconcile-settle"),
    path("exams/<int:pk>/mend", views.mend, name="reconcile-mend"),
    path("requests/<uuid:key>/", views.asked, name="reconcile-request"),
]
