"""People and machines: second factors, default accounts, accounts that nobody uses, keys that never end."""

import ipaddress
from datetime import timedelta
from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.compliance.registry import Answer, Area, attention, check, met, not_met
from accounts.models import MachineKey, OutboundHost, User
from accounts.roles import Role
from accounts.signing_in import policy

#: Names that installations of every kind begin with, and what is tried with them.
_NAMES: Final = ("admin", "administrator", "root", "demo", "test", "orthanc", "radiologist", "privacy", "user")
_PASSWORDS: Final = ("negatoscope-demo", "admin", "administrator", "password", "orthanc", "negatoscope", "changeme")
_UNUSED: Final = timedelta(days=180)
_SOON: Final = timedelta(days=30)
_MANY: Final = 5
_WIDE: Final = 1 << 16


@check(
    "people.default-accounts",
    area=Area.PEOPLE,
    title=gettext_lazy("No account has a known password"),
    requirements=("ASVS 6.3.2", "SE-11", "HIPAA 164.308(a)(5)(ii)(D)"),
)
def default_accounts() -> Answer:
    """Whether an account with a usual name opens with a usual password."""
    known = [
        user.get_username()
        for user in User.objects.filter(is_active=True, username__in=_NAMES)
        if any(check_password(word, user.password) for word in (user.get_username(), *_PASSWORDS))
    ]
    address = reverse("admin:accounts_user_changelist")
    if known and settings.DEMO:
        return attention(
            _("The demo's accounts have the demo's password."),
            _("They exist in the demo hospital alone, which listens on this machine only."),
            address=address,
        )
    if known:
        return not_met(
            _("These accounts open with a password that everybody knows: %(names)s.") % {"names": ", ".join(known)},
            _("Disable them now, look in the audit who used them, and give people accounts of their own."),
            address=address,
        )
    return met(_("No usual name opens with a usual password."), address=address)


@check(
    "people.second-factor",
    area=Area.PEOPLE,
    title=gettext_lazy("Who may do much proves twice who it is"),
    requirements=("ASVS 6.3.3", "AU-1", "HIPAA 164.312(d)", "HDS access control"),
)
def second_factor() -> Answer:
    """Whether the rules ask administrators for a second factor, and whether they have one."""
    rules = policy.in_force()
    address = reverse("admin:accounts_user_changelist") + "?is_staff__exact=1"
    if str(Role.ADMINISTRATOR) not in rules.mfa_roles | rules.passkey_roles:
        return not_met(
            _("The rules of sign-in ask administrators for a password only."),
            _("Ask the role administrator for a passkey in the rules of sign-in."),
            address=address,
        )
    bare = User.objects.filter(is_active=True, is_staff=True).exclude(
        pk__in=Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES).values("user")
    )
    count = bare.count()
    if count:
        words = ngettext(
            "%(count)d person with access to the administration has no second factor yet.",
            "%(count)d people with access to the administration have no second factor yet.",
            count,
        ) % {"count": count}
        return attention(
            words, _("They are asked at their next sign-in. Disable accounts that nobody uses."), address=address
        )
    return met(_("Everybody with access to the administration has a second factor."), address=address)


@check(
    "people.administrators",
    area=Area.PEOPLE,
    title=gettext_lazy("Few people may do everything"),
    requirements=("ASVS 8.2.1", "ISO 27001 A.8.2"),
)
def administrators() -> Answer:
    """How many accounts are above every right."""
    count = User.objects.filter(is_active=True, is_superuser=True).count()
    address = reverse("admin:accounts_user_changelist") + "?is_superuser__exact=1"
    words = ngettext(
        "%(count)d active account may do everything.", "%(count)d active accounts may do everything.", count
    ) % {"count": count}
    if count > _MANY:
        return attention(words, _("Give people the role that their work needs instead."), address=address)
    if not count:
        return attention(words, _("Make one with manage.py setup, before it is needed in a hurry."), address=address)
    return met(words, address=address)


@check(
    "people.unused-accounts",
    area=Area.PEOPLE,
    title=gettext_lazy("Accounts that nobody uses are closed"),
    requirements=("ISO 27001 A.5.18", "HIPAA 164.308(a)(3)(ii)(C)"),
)
def unused_accounts() -> Answer:
    """How many active accounts have not signed in for half a year."""
    before = timezone.now() - _UNUSED
    idle = User.objects.filter(is_active=True, date_joined__lt=before).exclude(last_login__gte=before)
    count = idle.count()
    address = reverse("admin:accounts_user_changelist") + "?is_active__exact=1&o=-5"
    if count:
        words = ngettext(
            "%(count)d active account has not been used for half a year.",
            "%(count)d active accounts have not been used for half a year.",
            count,
        ) % {"count": count}
        return attention(words, _("Ask their departments, and disable what is not needed."), address=address)
    return met(_("Every active account was used in the last half year."), address=address)


@check(
    "machines.keys",
    area=Area.MACHINES,
    title=gettext_lazy("Machine keys end, and are used"),
    requirements=("ASVS 13.3.4", "ASVS 9.2.1"),
)
def machine_keys() -> Answer:
    """Whether keys have an end, none ends within a month, and none lies about unused."""
    now = timezone.now()
    held = list(MachineKey.objects.filter(revoked_at=None).only("name", "expires_at", "last_used_at", "created_at"))
    held = [key for key in held if key.expires_at is None or key.expires_at > now]
    address = reverse("admin:accounts_machinekey_changelist")
    endless = sorted(key.name for key in held if key.expires_at is None)
    ending = sorted(key.name for key in held if key.expires_at is not None and key.expires_at < now + _SOON)
    idle = sorted(key.name for key in held if (key.last_used_at or key.created_at) < now - _UNUSED)
    told = [
        words % {"names": ", ".join(names[:5]) + (" …" if len(names) > 5 else "")}
        for names, words in (
            (endless, _("Keys without an end: %(names)s.")),
            (ending, _("Keys that end within 30 days: %(names)s.")),
            (idle, _("Keys that nobody has used for half a year: %(names)s.")),
        )
        if names
    ]
    if told:
        return attention(
            " ".join(told),
            _("Issue a new key with an end, give it to the machine, and revoke the old one."),
            address=address,
        )
    return met(_("Every key has an end and is in use."), address=address)


@check(
    "machines.outbound",
    area=Area.MACHINES,
    title=gettext_lazy("Calls to other systems go to named hosts"),
    requirements=("ASVS 1.3.6", "SE-9"),
)
def outbound() -> Answer:
    """Whether an outbound host opens a large part of the hospital's network."""
    rows = OutboundHost.objects.filter(is_active=True)
    wide = sorted(str(row) for row in rows if any(_is_wide(network) for network in row.networks))
    address = reverse("admin:accounts_outboundhost_changelist")
    if wide:
        return attention(
            _("These hosts may stand for more than 65,536 addresses: %(names)s.") % {"names": ", ".join(wide[:5])},
            _("Narrow their private addresses to the ones that the system has."),
            address=address,
        )
    return met(_("Nothing is called that is not listed, and each host has narrow addresses."), address=address)


def _is_wide(network: str) -> bool:
    return ipaddress.ip_network(network, strict=False).num_addresses > _WIDE
