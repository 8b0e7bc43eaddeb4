"""The hosts that the portal may call. What is not listed here is not called, whoever asks."""

import ipaddress
import ssl

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

validate_host = RegexValidator(
    r"^(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z",
    _("Write the host's name in small letters, without a scheme: pacs.hospital.example"),
)


def validate_network(text: str) -> None:
    """Accept an address or network, except link-local ones: there lie the secrets of virtual machines."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValidationError(_("“%(text)s” is not an address or network."), params={"text": text}) from error
    if network.is_link_local or network.is_multicast or network.is_unspecified or not network.prefixlen:
        raise ValidationError(_("“%(text)s” can never be called."), params={"text": text})


def validate_certificates(text: str) -> None:
    """Accept certificates in PEM."""
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, TypeError) as error:  # TypeError: a character that PEM does not know
        raise ValidationError(_("This is not a certificate in PEM form.")) from error


class OutboundHost(models.Model):
    """One host that may be called, by https; by http only on this machine itself."""

    host = models.CharField(
        _("host"),
        max_length=253,
        validators=[validate_host],
    )
    port = models.PositiveIntegerField(
        _("port"), default=443, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    purpose = models.CharField(_("what for"), max_length=200)
    networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        verbose_name=_("private addresses"),
        default=list,
        blank=True,
        help_text=_(
            "Public addresses are always accepted. A host inside the hospital needs its address or network here,"
            " such as 10.20.0.0/16: a name that suddenly points elsewhere is then not followed."
        ),
    )
    certificates = models.TextField(
        _("certificates"),
        blank=True,
        validators=[validate_certificates],
        help_text=_("PEM of the authority that signed the host's certificate, if it is the hospital's own."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """One row per host and port."""

        verbose_name = _("outbound host")
        verbose_name_plural = _("outbound hosts")
        ordering = ["host", "port"]
        constraints = [models.UniqueConstraint(fields=["host", "port"], name="one_row_per_outbound_host")]

    def __str__(self) -> str:
        return self.host if self.port == 443 else f"{self.host}:{self.port}"
