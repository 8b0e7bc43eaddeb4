"""The origins whose pages may hold ours in a frame. Where none is listed, nobody's may."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

#: A header names all of them on every page: more than a hospital has, and far from any limit of a header.
MOST = 20


def validate_origin(text: str) -> None:
    """Accept `https://host` or `https://host:port` in small letters: what a browser compares (RFC 6454, section 6.2)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _not_an_origin(text) from error
    host = parts.hostname or ""
    written = f"https://{host}" if port is None else f"https://{host}:{port}"
    if text != written or port == 443 or not _is_host(host):
        raise _not_an_origin(text)


def _not_an_origin(text: str) -> ValidationError:
    return ValidationError(
        _("“%(text)s” is not an origin. Write the scheme and the host alone: https://record.hospital.example"),
        params={"text": text[:100]},
    )


def _is_host(host: str) -> bool:
    """Whether it is a name of letters, digits and hyphens: no wildcard, no quote, no blank can enter the header."""
    labels = host.split(".")
    return len(host) <= 253 and all(
        0 < len(label) <= 63
        and label.isascii()
        and label.replace("-", "").isalnum()
        and not label.startswith("-")
        and not label.endswith("-")
        for label in labels
    )


class FrameOrigin(models.Model):
    """One origin that may show the portal's pages within its own."""

    origin = models.CharField(
        _("origin"),
        max_length=270,
        unique=True,
        validators=[validate_origin],
        help_text=_("Scheme and host of the health record system, such as https://record.hospital.example."),
    )
    purpose = models.CharField(_("what for"), max_length=200)
    is_active = models.BooleanField(_("active"), default=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """By origin."""

        verbose_name = _("frame origin")
        verbose_name_plural = _("frame origins")
        ordering = ["origin"]

    def __str__(self) -> str:
        return self.origin
