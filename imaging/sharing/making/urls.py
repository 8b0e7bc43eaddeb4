"""Addresses of making a share."""

from django.urls import path

from imaging.sharing.making import views

urlpatterns = [path("new", views.share, name="new")]
