"""Addresses that other systems of the hospital open; their spelling is IHE's."""

from django.urls import path

from imaging.ehr.invoking import views
from imaging.ehr.launching import views as launching

app_name = "ehr"

urlpatterns = [
    path("IHEInvokeImageDisplay", views.invoke, name="invoke"),
    path("IHEInvokeImageDisplay/continue", views.resume, name="resume"),
    path("IHEInvokeImageDisplay/elsewhere", views.elsewhere, name="elsewhere"),
    path("launch", launching.launch, name="launch"),
    path("launch/signed", launching.signed_launch, name="launch-signed"),
    path("launch/<slug:slug>/callback", launching.callback, name="launch-callback"),
]
