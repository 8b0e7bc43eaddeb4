"""Addresses of single sign-on, under /account/."""

from django.urls import path

from accounts.federation import views

app_name = "federation"

urlpatterns = [
    path("identities/", views.identities, name="identities"),
    path("identities/<int:pk>/unlink/", views.unlink, name="unlink"),
    path("sso/<slug:slug>/", views.begin, name="begin"),
    path("sso/<slug:slug>/callback/", views.callback, name="callback"),
    path("sso/<slug:slug>/back-channel-logout/", views.back_channel_logout, name="back-channel-logout"),
]
