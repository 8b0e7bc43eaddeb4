"""Addresses of one's own templates and macros."""

from django.urls import path

from imaging.reports.templates import views

urlpatterns = [
    path("", views.page, name="templates"),
    path("new", views.edit, name="template-new"),
    path("<uuid:key>/", views.edit, name="template"),
    path("<uuid:key>/forget", views.forget, name="template-forget"),
    path("macros", views.keep_macro, name="macro-keep"),
    path("macros/<int:pk>/forget", views.forget_macro, name="macro-forget"),
]
