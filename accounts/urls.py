"""Addresses under /account/: sign-in, sign-out, password, and what a person prefers.

allauth's views are named one by one: signing up, its mail pages, MFA, sessions and providers are
installed, and reached by no address until they are switched on. allauth looks its own names up
without a namespace.
"""

from allauth.account import views as allauth_views
from django.urls import include, path

from accounts import views
from accounts.defence import policy_reports

own = (
    [
        path("session/", views.session, name="session"),
        path("theme/", views.theme, name="theme"),
        path("policy-report/", policy_reports.received, name="policy-report"),
        path("setup/<str:secret>/", views.OpenSetupLinkView.as_view(), name="setup-link"),
        path("setup/", views.SetupView.as_view(), name="setup"),
    ],
    "accounts",
)

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="account_login"),
    path("logout/", views.SignOutView.as_view(), name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("password/", views.ChangePasswordView.as_view(), name="account_change_password"),
    path("", include("accounts.federation.urls")),
    path("", include(own)),
]
