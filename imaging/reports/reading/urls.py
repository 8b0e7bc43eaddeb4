"""Addresses of the reading list."""

from django.urls import path, register_converter

from imaging.reports.reading import views


class ReadUidConverter:
    """A DICOM UID (PS3.5 section 9.1). Anything else is no address of ours."""

    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        """Give the view the UID as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Write the UID as it is."""
        return value


register_converter(ReadUidConverter, "readuid")

urlpatterns = [
    path("", views.page, name="reading"),
    path("rows", views.rows, name="reading-rows"),
    path("next", views.read_next, name="reading-next"),
    path("lists", views.keep, name="reading-keep"),
    path("lists/<uuid:key>/forget", views.forget, name="reading-forget"),
    path("<readuid:study_instance_uid>/", views.choices, name="reading-choices"),
    path("<readuid:study_instance_uid>/take", views.take, name="reading-take"),
    path("<readuid:study_instance_uid>/give-back", views.give_back, name="reading-give-back"),
    path("<readuid:study_instance_uid>/assign", views.assign, name="reading-assign"),
    path("<readuid:study_instance_uid>/priority", views.set_priority, name="reading-priority"),
    path("<readuid:study_instance_uid>/leave", views.leave_unread, name="reading-leave"),
]
