"""Addresses of sign-in, under /account/. Names without a namespace are those that allauth looks up."""

from allauth.account import views as allauth_views
from django.urls import path

from accounts.signing_in.views import confirming, entrance, links, security

#: Under the namespace ``accounts``.
own = [
    path("session/", confirming.session, name="session"),
    path("confirm/", confirming.confirm, name="confirm"),
    path("switch/", entrance.switch, name="switch"),
    path("second-factor/", entrance.second_factor, name="second-factor"),
    path("passkeys/options/", entrance.passkey_options, name="passkey-options"),
    path("passkeys/sign-in/", entrance.passkey_sign_in, name="passkey-sign-in"),
    path("security/", security.security, name="security"),
    path("security/enrol/", security.enrol, name="enrol"),
    path("security/app/", security.add_app, name="add-app"),
    path("security/passkeys/", security.add_passkey, name="add-passkey"),
    path("security/passkeys/<int:pk>/name/", security.rename_passkey, name="rename-passkey"),
    path("security/factors/<int:pk>/remove/", security.remove_factor, name="remove-factor"),
    path("security/recovery-codes/", security.make_codes, name="make-codes"),
    path("security/sessions/end/", security.end_other_sessions, name="end-other-sessions"),
    path("security/sessions/<int:pk>/end/", security.end_session, name="end-session"),
    path("password/link/<str:secret>/", links.OpenPasswordLinkView.as_view(), name="password-link"),
    path("password/set/", links.SetPasswordView.as_view(), name="set-password"),
    path("setup/<str:secret>/", links.OpenSetupLinkView.as_view(), name="setup-link"),
    path("setup/", links.SetupView.as_view(), name="setup"),
]

urlpatterns = [
    path("login/", entrance.SignInView.as_view(), name="account_login"),
    path("logout/", entrance.SignOutView.as_view(), name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("password/", security.change_password, name="account_change_password"),
]
