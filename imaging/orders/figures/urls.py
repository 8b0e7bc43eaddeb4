"""Addresses under /figures/."""

from django.urls import path

from imaging.orders.figures import views

app_name = "figures"
urlpatterns = [
    path("", views.figures, name="figures"),
    path("<slug:name>.csv", views.table, name="table"),
]
