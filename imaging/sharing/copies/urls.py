"""Addresses of copies without identity."""

from django.urls import path

from imaging.sharing.copies import views

urlpatterns = [
    path("copies/<share_key:key>/", views.page, name="copy"),
    path("copies/<share_key:key>/decide", views.decide, name="copy-decide"),
    path("copies/<share_key:key>/again", views.again, name="copy-again"),
]
