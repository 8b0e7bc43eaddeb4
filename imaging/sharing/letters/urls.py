"""The address of the letter. What opens the share is never a part of it."""

from django.urls import path

from imaging.sharing.letters import views

urlpatterns = [path("<slug:key>/letter", views.letter, name="letter")]
