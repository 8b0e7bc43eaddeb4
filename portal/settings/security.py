"""What is forbidden: headers, cookies, content security policy, passwords, sign-in."""

from csp.constants import NONE, SELF
from django.urls import reverse_lazy

from portal.environment import environment

# One setting decides: plain http on loopback in demo mode; production is https or nothing.
SECURE = environment.secure_cookies
_prefix = "__Host-" if SECURE else ""

SESSION_COOKIE_NAME = f"{_prefix}negatoscope"
CSRF_COOKIE_NAME = f"{_prefix}csrf"
LANGUAGE_COOKIE_NAME = f"{_prefix}language"
THEME_COOKIE_NAME = f"{_prefix}theme"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
# The longest that a policy may allow (accounts/signing_in/sessions.py ends them earlier); the browser drops it when it closes.
SESSION_COOKIE_AGE = 24 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# What is said to a person may name a patient: it is kept here, and no cookie carries it about.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_TRUSTED_ORIGINS = [environment.public_url] if environment.public_url.startswith("https://") else []

SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if environment.trusted_proxies:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXIES = list(environment.trusted_proxies)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, "'wasm-unsafe-eval'"],
        "worker-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "media-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "report-uri": ["/account/policy-report/"],
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "accounts.federation.ldap.DirectoryBackend",
]
# Of LDAP_URL; without one the second backend says nothing.
DIRECTORY = environment.directory
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.signing_in.passwords.LengthValidator"},
    {"NAME": "accounts.signing_in.passwords.BreachedPasswordValidator"},
]
# Digests of passwords that leaked elsewhere, in order: searched where it lies, without a network.
BREACHED_PASSWORDS_FILE = environment.breached_passwords_file
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"

ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_ADAPTER = "accounts.signing_in.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
# Counted by account and address in accounts/signing_in/attempts.py, for every way of proving who one is.
ACCOUNT_RATE_LIMITS = False

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# Characters of a question's part of an address: a list's filters, or a search of DICOMweb with all its fields.
LONGEST_QUERY = 16_384
# An import may hold 2000 studies of 200 patients to be decided about on one page.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4000
