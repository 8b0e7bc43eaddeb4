"""Addresses of emergency access."""

from django.urls import path

from imaging.access.emergency import views

urlpatterns = [
    path("", views.emergency, name="emergency"),
    path("reviews/", views.reviews, name="emergency-reviews"),
    path("reviews/<uuid:pk>/", views.review, name="emergency-review"),
    path("<uuid:pk>/", views.opened, name="emergency-opened"),
    path("<uuid:pk>/end", views.end, name="emergency-end"),
]
