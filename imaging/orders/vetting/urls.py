"""Addresses under /vetting/."""

from django.urls import path

from imaging.orders.vetting import views

urlpatterns = [
    path("", views.vetting, name="vetting"),
    path("<uuid:key>/decide", views.decide, name="vetting-decide"),
]
