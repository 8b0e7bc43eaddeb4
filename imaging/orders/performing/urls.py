"""Addresses under /exams/."""

from django.urls import path

from imaging.orders.performing import views

urlpatterns = [
    path("", views.exams, name="exams"),
    path("<uuid:key>/take", views.take, name="exams-take"),
]
