"""Keys with which machines sign in, and the link that makes the first administrator: secrets of which a digest is kept."""

import hashlib
import ipaddress
import secrets
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.querysets import MachineKeyQuerySet, SetupLinkQuerySet
from accounts.roles import MACHINE_DOORS, Right


def validate_addresses(value: Any) -> None:
    """Accept a list of addresses or networks, in CIDR notation."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValidationError(_("Write a list of addresses or networks."))
    for item in value:
        try:
            ipaddress.ip_network(item)
        except ValueError:
            raise ValidationError(
                _("“%(item)s” is not an address or a network. Example: 10.1.0.0/16."),
                params={"item": item},
            ) from None


def validate_door_rights(value: Any) -> None:
    """Accept an object that names, for each machine door, a list of rights."""
    if not isinstance(value, dict):
        raise ValidationError(_("Write the rights of each door."))
    for door, rights in value.items():
        if door not in [str(known) for known in MACHINE_DOORS]:
            raise ValidationError(_("“%(door)s” is not a door for machines."), params={"door": door})
        if not isinstance(rights, list) or any(right not in Right.values for right in rights):
            raise ValidationError(_("The rights of “%(door)s” are not known."), params={"door": door})


class MachineKey(models.Model):
    """A key with which a machine signs in. The key itself is shown once and never stored."""

    name = models.CharField(
        _("name"),
        max_length=64,
        unique=True,
        # A colon ends the name in HTTP Basic (RFC 7617, section 2).
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", _("Use letters, digits, . _ -"))],
    )
    prefix = models.CharField(_("prefix"), max_length=16, editable=False)
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    departments = models.ManyToManyField(
        "accounts.Department", related_name="machine_keys", verbose_name=_("departments"), blank=True
    )
    rights = models.JSONField(_("rights per door"), default=dict, validators=[validate_door_rights], blank=True)
    addresses = models.JSONField(
        _("allowed addresses"),
        default=list,
        blank=True,
        validators=[validate_addresses],
        help_text=_("Empty: from any address."),
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )

    objects = MachineKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("machine key")
        verbose_name_plural = _("machine keys")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def is_usable_at(self, moment: datetime) -> bool:
        """Whether the key is neither revoked nor expired at ``moment``."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

    def rights_at(self, door: str) -> frozenset[Right]:
        """Return the rights that this key has at ``door``; what is not understood gives none."""
        given = self.rights.get(door) if isinstance(self.rights, dict) else None
        if not isinstance(given, list):
            return frozenset()
        return frozenset(Right(right) for right in given if right in Right.values)

    def allows_address(self, address: str) -> bool:
        """Whether the key may be used from ``address``; an address that cannot be read may not."""
        if not self.addresses:
            return True
        try:
            peer = ipaddress.ip_address(address)
            return any(peer in ipaddress.ip_network(network) for network in self.addresses)
        except (TypeError, ValueError):
            return False


def new_secret() -> str:
    """Return 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Return what is stored of a secret of 256 random bits: no salt or stretching is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class SetupLink(models.Model):
    """A link, used once, with which the first administrator chooses a name and a password."""

    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    objects = SetupLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("set-up link")
        verbose_name_plural = _("set-up links")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
