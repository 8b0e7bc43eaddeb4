"""Every address that a share has: mounted below ``/s/<key>/`` by ``imaging.sharing.door``, and reached in no other way."""

from django.urls import include, path
from django.views.i18n import set_language

urlpatterns = [
    path("language/", set_language, name="set_language"),
    path("dicom-web/", include("imaging.dicomweb.shared_urls")),
    path("", include("imaging.viewer.shared.urls")),
    path("", include("imaging.viewer.shared.viewer_urls")),
]

handler400 = "imaging.viewer.shared.errors.wrong"
handler403 = "imaging.viewer.shared.errors.forbidden"
handler404 = "imaging.viewer.shared.errors.absent"
handler500 = "imaging.viewer.shared.errors.failed"
