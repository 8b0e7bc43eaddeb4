"""Addresses of collections. Their identifiers name nothing."""

from django.urls import path

# The converter of such identifiers is registered with the desk's addresses.
from imaging.sharing.collections import adding, commenting, membership, views
from imaging.sharing.desk import urls as _desk

__all__ = ["_desk", "app_name", "urlpatterns"]

app_name = "collections"

urlpatterns = [
    path("", views.page, name="mine"),
    path("find", views.find, name="find"),
    path("new", views.new, name="new"),
    path("add", adding.choose, name="choose"),
    path("put", adding.put, name="put"),
    path("<share_key:key>/", views.detail, name="collection"),
    path("<share_key:key>/edit", views.edit, name="edit"),
    path("<share_key:key>/archive", views.archive, name="archive"),
    path("<share_key:key>/studies/add", adding.paste, name="paste"),
    path("<share_key:key>/studies/<int:pk>/remove", adding.remove, name="remove-study"),
    path("<share_key:key>/studies/<int:pk>/note", adding.note, name="note"),
    path("<share_key:key>/studies/<int:pk>/move", adding.move, name="move-study"),
    path("<share_key:key>/members/", membership.page, name="members"),
    path("<share_key:key>/members/<int:pk>/change", membership.change, name="change-member"),
    path("<share_key:key>/members/<int:pk>/remove", membership.remove, name="remove-member"),
    path("<share_key:key>/leave", membership.leave, name="leave"),
    path("<share_key:key>/comments", commenting.comments, name="comments"),
    path("<share_key:key>/comments/<int:pk>/change", commenting.change, name="change-comment"),
    path("<share_key:key>/comments/<int:pk>/delete", commenting.delete, name="delete-comment"),
]
