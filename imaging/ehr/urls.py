"""Addresses that other systems of the hospital open; their spelling is IHE's."""

from django.urls import path

from imaging.ehr.invoking import views

app_name = "ehr"

urlpatterns = [
    path("IHEInvokeImageDisplay", views.invoke, name="invoke"),
    path("IHEInvokeImageDisplay/continue", views.resume, name="resume"),
    path("IHEInvokeImageDisplay/elsewhere", views.elsewhere, name="elsewhere"),
]
