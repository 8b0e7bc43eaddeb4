"""What is installed, how requests travel, which languages are spoken."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from portal.environment import environment

BASE_DIR = Path(__file__).resolve().parents[2]
PRODUCT_NAME = "Negatoscope"
DEMO = environment.mode == "demo"
DEMO_PASSWORD = environment.demo_password if DEMO else ""
PUBLIC_URL = environment.public_url
DEBUG = False

SECRET_KEY = environment.secret_key
ALLOWED_HOSTS = list(environment.allowed_hosts)

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "imaging.apps.ImagingConfig",
    "accounts.apps.AccountsConfig",
    "accounts.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "portal.headers.ResponseHeaders",
    "imaging.api.errors.ProblemDocuments",
    "imaging.ehr.fhir.outcomes.OperationOutcomes",
    "portal.request_shape.RequestShape",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "imaging.sharing.door.ShareCookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.framing.middleware.FramingMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.signing_in.middleware.SessionLimitsMiddleware",
    "accounts.middleware.SignInAgainMiddleware",
    "accounts.middleware.PreferencesMiddleware",
    "accounts.middleware.ScopeMiddleware",
    "accounts.signing_in.middleware.EnrolmentMiddleware",
    "accounts.defence.cross_site.CrossSiteRequests",
    "imaging.sharing.door.ShareDoor",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.portal",
                "imaging.viewer.help_topics.on_page",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
TIME_ZONE = environment.time_zone
USE_I18N = True
USE_TZ = True
# Django writes English dates as in America: 03/04 would be read as two days.
FORMAT_MODULE_PATH = "portal.formats"

STATIC_URL = "/static/"
STATIC_ROOT = environment.data_dir / "static"
STATICFILES_DIRS = [path for path in [BASE_DIR / "static" / "build"] if path.is_dir()]
VITE_MANIFEST = BASE_DIR / "static" / "build" / "manifest.json"
# No page of another origin has anything to do with our files.
WHITENOISE_ALLOW_ALL_ORIGINS = False
# Vite and Django both write a digest into the name: such a file never changes and is kept for ever.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+(/assets/.+-[\w-]{8}\.\w+|\.[0-9a-f]{12}\.\w+)$"
DATA_DIR = environment.data_dir

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "portal.log_lines.LogLines", "format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"pynetdicom": {"level": "ERROR"}, "pydicom": {"level": "ERROR"}},
}
