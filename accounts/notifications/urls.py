"""Addresses under /notifications/; the preferences stand beside one's other settings, under /account/."""

from django.urls import path

from accounts.notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.notifications, name="list"),
    path("bell", views.bell, name="bell"),
    path("read", views.mark, name="read"),
    path("<int:pk>/", views.opened, name="open"),
]
own = [path("notifications/", views.preferences, name="notification-preferences")]
