"""Addresses under /requests/: no name and no number of a patient stands in any."""

from django.urls import path

from imaging.orders.requesting import back, beginning, views, writing

urlpatterns = [
    path("", views.requests, name="requests"),
    path("new", beginning.new, name="new"),
    path("procedures", writing.procedures, name="procedures"),
    path("star", writing.star, name="star"),
    path("<uuid:key>/", views.request_page, name="request"),
    path("<uuid:key>/edit", writing.edit, name="edit"),
    path("<uuid:key>/save", writing.save, name="save"),
    path("<uuid:key>/copy", beginning.copy, name="copy"),
    path("<uuid:key>/cancel", views.cancel, name="cancel"),
    path("<uuid:key>/take-back", back.take_back, name="take-back"),
    path("<uuid:key>/acknowledge", views.acknowledge, name="acknowledge"),
    path("<uuid:key>/write", views.write, name="write"),
    path("<uuid:key>/patient", views.join, name="join"),
    path("<uuid:key>/attach", views.attach, name="attach"),
    path("<uuid:key>/attachments/<uuid:attachment>", views.attachment, name="attachment"),
    path("<uuid:key>/attachments/<uuid:attachment>/remove", views.detach, name="detach"),
    path("<uuid:key>/slip", views.slip, name="slip"),
]
