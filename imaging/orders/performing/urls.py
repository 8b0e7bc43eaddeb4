"""Addresses under /exams/."""

from django.urls import path

from imaging.orders.performing import views

urlpatterns = [
    path("", views.exams, name="exams"),
    path("rows", views.rows, name="exams-rows"),
    path("<uuid:key>/why/<slug:step>", views.why, name="exams-why"),
    path("<uuid:key>/take", views.take, name="exams-take"),
]
