"""Addresses of the desk."""

from django.urls import path, register_converter

from imaging.sharing.desk import health_link, views


class ShareKeyConverter:
    """The identifier of a share, which names nothing."""

    regex = "[A-Za-z0-9_-]{8,16}"

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(ShareKeyConverter, "share_key")

urlpatterns = [
    path("", views.page, name="mine"),
    path("find", views.find, name="find"),
    path("<share_key:key>/", views.detail, name="share"),
    path("<share_key:key>/revoke", views.revoke, name="revoke"),
    path("<share_key:key>/change", views.change, name="change"),
    path("<share_key:key>/link", views.renew, name="renew"),
    path("<share_key:key>/decide", views.decide, name="decide"),
    path("<share_key:key>/health-link", health_link.make, name="health-link"),
]
