"""What browsers are told: TLS, cookies, headers, hosts, frames."""

from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.compliance.registry import Answer, Area, attention, check, met, not_asked, not_met
from accounts.models import FrameOrigin

_YEAR = 365 * 24 * 3600


def _demo() -> Answer:
    return not_asked(_("The demo hospital speaks http, on this machine alone, and holds no real patient."))


@check(
    "transport.tls",
    area=Area.TRANSPORT,
    title=gettext_lazy("Everything is encrypted on its way"),
    requirements=("ASVS 12.2.1", "HIPAA 164.312(e)(1)", "GDPR 32", "SE-14"),
)
def tls() -> Answer:
    """Whether the portal is reached over https alone."""
    if settings.DEMO:
        return _demo()
    if urlsplit(settings.PUBLIC_URL).scheme != "https" or not settings.SECURE_SSL_REDIRECT:
        return not_met(_("The portal answers over plain http."), _("Set PUBLIC_URL to an https address and restart."))
    return met(_("The portal is reached over https alone; plain http is sent there."))


@check(
    "transport.hsts",
    area=Area.TRANSPORT,
    title=gettext_lazy("Browsers remember to come by https"),
    requirements=("ASVS 3.4.1",),
)
def hsts() -> Answer:
    """Whether browsers are told to keep to https for a year."""
    if settings.DEMO:
        return _demo()
    if settings.SECURE_HSTS_SECONDS < _YEAR:
        return not_met(
            _("Strict-Transport-Security is missing or short."), _("Restart with the portal's own settings.")
        )
    return met(_("Browsers are told to keep to https for a year, subdomains included."))


@check(
    "transport.cookies",
    area=Area.TRANSPORT,
    title=gettext_lazy("Cookies stay with this host and out of scripts"),
    requirements=("ASVS 3.3.1", "ASVS 3.3.2", "ASVS 3.3.3", "ASVS 3.3.4"),
)
def cookies() -> Answer:
    """Whether cookies carry `__Host-`, Secure, HttpOnly and SameSite."""
    names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME)
    hidden = settings.SESSION_COOKIE_HTTPONLY and settings.CSRF_COOKIE_HTTPONLY
    sent_home = settings.SESSION_COOKIE_SAMESITE in {"Lax", "Strict"}
    if not hidden or not sent_home:
        return not_met(
            _("A cookie can be read by scripts, or is sent for other sites."),
            _("Restart with the portal's own settings."),
        )
    if settings.DEMO:
        return _demo()
    if not settings.SESSION_COOKIE_SECURE or not all(name.startswith("__Host-") for name in names):
        return not_met(
            _("A cookie is not bound to this host and to https."), _("Restart with the portal's own settings.")
        )
    return met(_("Cookies are bound to this host and https, unseen by scripts, and not sent for other sites."))


@check(
    "transport.content-policy",
    area=Area.TRANSPORT,
    title=gettext_lazy("No page runs what is not the portal's own"),
    requirements=("ASVS 3.4.3", "SE-5"),
)
def content_policy() -> Answer:
    """Whether the content security policy forbids inline code and other hosts."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    sources = {source for values in directives.values() for source in values}
    if {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:"} & sources or directives["default-src"] != [
        "'none'"
    ]:
        return not_met(
            _("The content security policy allows inline code or any host."),
            _("Restart with the portal's own settings."),
        )
    return met(_("Pages run the portal's own files alone; what tries otherwise is stopped and put on record."))


@check(
    "transport.frames",
    area=Area.TRANSPORT,
    title=gettext_lazy("Only named systems show images within their pages"),
    requirements=("ASVS 3.4.6",),
)
def frames() -> Answer:
    """Which origins may frame pages of images."""
    address = reverse("admin:accounts_frameorigin_changelist")
    count = FrameOrigin.objects.filter(is_active=True).count()
    if not count:
        return met(_("No other system may show the portal's pages within its own."), address=address)
    words = ngettext(
        "%(count)d origin may show pages of images within its own.",
        "%(count)d origins may show pages of images within their own.",
        count,
    ) % {"count": count}
    return met(words, address=address)


@check(
    "transport.hosts",
    area=Area.TRANSPORT,
    title=gettext_lazy("The portal answers to its own names"),
    requirements=("ASVS 13.4.2",),
)
def hosts() -> Answer:
    """Whether ALLOWED_HOSTS names hosts one by one."""
    loose = [name for name in settings.ALLOWED_HOSTS if name == "*" or name.startswith(".")]
    if loose:
        return not_met(
            _("Any host name, or every subdomain, is answered."), _("Name the hosts one by one in ALLOWED_HOSTS.")
        )
    return met(_("Requests for any other host name are refused."))


@check(
    "transport.debug",
    area=Area.TRANSPORT,
    title=gettext_lazy("Errors tell nothing to strangers"),
    requirements=("ASVS 13.4.2", "ASVS 16.5.1"),
)
def debug() -> Answer:
    """Whether debugging is off, and whether this is a hospital's portal at all."""
    if settings.DEBUG:
        return not_met(
            _("Debugging is on: error pages show code and data."), _("Restart with the portal's own settings.")
        )
    if settings.DEMO:
        return attention(
            _("This is the demo hospital: its accounts have a known password."),
            _("Install the portal with PORTAL_MODE=production before a real patient is in it: docs/install.md."),
        )
    return met(_("Debugging is off."))
