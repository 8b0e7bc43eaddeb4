"""The address of the way in for sealed accounts, under /account/ and the namespace ``accounts``."""

from django.urls import path

from accounts.sealed import views

own = [path("sealed/", views.entrance, name="sealed")]
