"""Addresses of access requests."""

from django.urls import path

from imaging.access.requests import desk, views

urlpatterns = [
    path("access/", views.page, name="mine"),
    path("access/elsewhere", views.look, name="elsewhere"),
    path("access/ask", views.ask, name="ask"),
    path("access/desk/", desk.page, name="desk"),
    path("access/requests/<int:pk>/", desk.detail, name="request"),
    path("access/requests/<int:pk>/decide", desk.decide, name="decide"),
    path("access/requests/<int:pk>/revoke", desk.revoke, name="revoke"),
    path("access/requests/<int:pk>/words", desk.write, name="words"),
    path("access/requests/<int:pk>/withdraw", views.withdraw, name="withdraw"),
    path("access/requests/<int:pk>/renew", views.renew, name="renew"),
]
