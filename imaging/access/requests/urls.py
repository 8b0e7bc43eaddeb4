"""Addresses of access requests."""

from django.urls import path

from imaging.access.requests import desk, views

urlpatterns = [
    path("", views.page, name="mine"),
    path("elsewhere", views.look, name="elsewhere"),
    path("ask", views.ask, name="ask"),
    path("desk/", desk.page, name="desk"),
    path("requests/<int:pk>/", desk.detail, name="request"),
    path("requests/<int:pk>/decide", desk.decide, name="decide"),
    path("requests/<int:pk>/revoke", desk.revoke, name="revoke"),
    path("requests/<int:pk>/words", desk.write, name="words"),
    path("requests/<int:pk>/withdraw", views.withdraw, name="withdraw"),
    path("requests/<int:pk>/renew", views.renew, name="renew"),
]
