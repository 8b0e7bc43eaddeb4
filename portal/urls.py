"""Every address of the portal, door by door (DESIGN section 2)."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from accounts.federation.views import published_keys
from portal import health, metrics

urlpatterns = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path(".well-known/jwks.json", published_keys, name="published-keys"),
    path("language/", set_language, name="set_language"),
    path("account/", include("accounts.urls")),
    path("notifications/", include("accounts.notifications.urls")),
    path("admin/", admin.site.urls),
    path("", include("imaging.urls")),
]

handler400 = "imaging.viewer.errors.bad_request"
handler403 = "imaging.viewer.errors.permission_denied"
handler404 = "imaging.viewer.errors.page_not_found"
handler500 = "imaging.viewer.errors.server_error"

admin.site.site_header = settings.PRODUCT_NAME
admin.site.site_title = settings.PRODUCT_NAME
