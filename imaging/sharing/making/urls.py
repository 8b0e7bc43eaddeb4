"""Addresses of making a share."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
