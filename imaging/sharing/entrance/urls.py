"""The way in, below a share."""

from django.urls import path

from imaging.sharing.entrance import views

urlpatterns = [
    path("open", views.open_share, name="open"),
    path("proof", views.prove, name="prove"),
    path("code", views.send_code, name="code"),
    path("earlier", views.ask_for_earlier, name="earlier"),
    path("standing", views.standing, name="standing"),
    path("leave", views.leave, name="leave"),
]
