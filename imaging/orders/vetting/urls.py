"""Addresses under /vetting/."""

from django.urls import path

from imaging.orders.vetting import views

urlpatterns = [
    path("", views.vetting, name="vetting"),
    path("rows", views.rows, name="vetting-rows"),
    path("<uuid:key>/", views.one, name="vetting-one"),
    path("<uuid:key>/decide", views.decide, name="vetting-decide"),
    path("<uuid:key>/exchange", views.exchange, name="vetting-exchange"),
]
