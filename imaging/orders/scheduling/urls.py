"""Addresses under /schedule/."""

from django.urls import path

from imaging.orders.scheduling import views

urlpatterns = [
    path("", views.schedule, name="schedule"),
    path("board", views.rooms_board, name="schedule-board"),
    path("<uuid:key>/", views.one, name="schedule-one"),
    path("<uuid:key>/book", views.book, name="schedule-book"),
    path("<uuid:key>/unbook", views.unbook, name="schedule-unbook"),
]
