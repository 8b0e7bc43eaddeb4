"""Addresses of pushes to partner archives."""

from django.urls import path

from imaging.sharing.partners import views

urlpatterns = [
    path("partners/", views.page, name="transfers"),
    path("partners/new", views.new, name="transfer-new"),
    path("partners/<slug:key>/", views.detail, name="transfer"),
    path("partners/<slug:key>/stop", views.stop, name="transfer-stop"),
    path("partners/<slug:key>/again", views.again, name="transfer-again"),
    path("partners/<slug:key>/decide", views.decide, name="transfer-decide"),
]
