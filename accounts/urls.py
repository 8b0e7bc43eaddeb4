"""Addresses under /account/: sign-in and one's own security, and what a person prefers.

allauth's own views of signing up, mail, MFA and sessions are reached by no address: the portal has its own.
"""

from django.urls import include, path

from accounts import views
from accounts.defence import policy_reports
from accounts.notifications import urls as notifications
from accounts.sealed import urls as sealed
from accounts.signing_in import urls as signing_in

own = (
    [
        path("theme/", views.theme, name="theme"),
        path("policy-report/", policy_reports.received, name="policy-report"),
        *notifications.own,
        *sealed.own,
        *signing_in.own,
    ],
    "accounts",
)

urlpatterns = [
    *signing_in.urlpatterns,
    path("", include("accounts.federation.urls")),
    path("", include(own)),
]
