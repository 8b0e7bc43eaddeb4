"""Addresses of giving a link to a patient's record."""

from django.urls import path

from imaging.sharing.record import views

urlpatterns = [path("record/new", views.give, name="record-new")]
