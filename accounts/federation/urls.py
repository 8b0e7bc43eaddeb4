"""Addresses of single sign-on, under /account/."""

from django.urls import path

from accounts.federation import saml_views, views

app_name = "federation"

urlpatterns = [
    path("identities/", views.identities, name="identities"),
    path("identities/<int:pk>/unlink/", views.unlink, name="unlink"),
    path("sso/<slug:slug>/", views.begin, name="begin"),
    path("sso/<slug:slug>/callback/", views.callback, name="callback"),
    path("sso/<slug:slug>/back-channel-logout/", views.back_channel_logout, name="back-channel-logout"),
    path("sso/<slug:slug>/saml/acs/", saml_views.acs, name="saml-acs"),
    path("sso/<slug:slug>/saml/arrived/", saml_views.arrived, name="saml-arrived"),
    path("sso/<slug:slug>/saml/metadata/", saml_views.metadata, name="saml-metadata"),
]
