"""What changes people, memberships, keys and preferences. Every change is audited in its transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action
from accounts.labels import Label
from accounts.models import (
    Department,
    DepartmentGroup,
    Language,
    MachineKey,
    Membership,
    SetupLink,
    Site,
    Theme,
    User,
    digest_of,
    new_secret,
)
from accounts.roles import Right, Role

KEY_PREFIX: Final = "ngk_"
SETUP_LINK_LIFE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new machine key, and the only copy of its text."""

    key: MachineKey
    plaintext: str


@transaction.atomic
def create_machine_key(
    *,
    actor: Actor,
    name: str,
    departments: Iterable[Department],
    rights: Mapping[str, Iterable[Right | str]],
    addresses: Iterable[str] = (),
    expires_at: datetime | None = None,
    created_by: User | None = None,
) -> IssuedKey:
    """Make a key for a machine and return its text, once.

    ``rights`` maps a door ("dicomweb", "api", "fhir") to rights. Raises :class:`ValidationError`.
    """
    plaintext = KEY_PREFIX + new_secret()
    key = MachineKey(
        name=name,
        prefix=plaintext[: len(KEY_PREFIX) + 6],
        digest=digest_of(plaintext),
        rights={str(door): sorted(str(right) for right in held) for door, held in rights.items()},
        addresses=list(addresses),
        expires_at=expires_at,
        created_by=created_by,
    )
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": _("The expiry must lie in the future.")})
    key.full_clean()
    key.save()
    key.departments.set(departments)
    audit.record(
        Action.MACHINE_KEY_ISSUED,
        actor=actor,
        subject_type="machine",
        subject_uid=str(key.pk),
        detail={
            "name": key.name,
            "prefix": key.prefix,
            "departments": sorted(key.departments.values_list("code", flat=True)),
            "rights": key.rights,
            "addresses": key.addresses,
            "expires_at": key.expires_at,
        },
    )
    return IssuedKey(key=key, plaintext=plaintext)


@transaction.atomic
def revoke_machine_key(*, actor: Actor, key: MachineKey) -> None:
    """End a key at once; a key already revoked stays as it was."""
    locked = MachineKey.objects.select_for_update().get(pk=key.pk)
    if locked.revoked_at is None:
        locked.revoked_at = timezone.now()
        locked.save(update_fields=["revoked_at"])
        audit.record(
            Action.MACHINE_KEY_REVOKED,
            actor=actor,
            subject_type="machine",
            subject_uid=str(key.pk),
            detail={"name": key.name, "prefix": key.prefix},
        )
    key.revoked_at = locked.revoked_at


def touch_machine_key(*, key: MachineKey, every: timedelta = timedelta(minutes=1)) -> None:
    """Note that the key is in use, at most once per ``every``."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= every:
        # The condition again, in SQL: of several processes one writes.
        MachineKey.objects.filter(pk=key.pk).exclude(last_used_at__gt=now - every).update(last_used_at=now)


@transaction.atomic
def add_membership(
    *,
    actor: Actor,
    user: User,
    role: Role | str,
    department: Department | None = None,
    group: DepartmentGroup | None = None,
    clears: Iterable[Label | str] = (),
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> Membership:
    """Give a person a role in a department, or in every department of a group. Raises :class:`ValidationError`."""
    membership = Membership(
        user=user,
        department=department,
        group=group,
        role=str(role),
        clears=sorted(str(label) for label in clears),
        valid_from=valid_from or timezone.now(),
        valid_until=valid_until,
        made_by_id=int(actor.id) if actor.kind == "user" and actor.id.isdigit() else None,
    )
    membership.full_clean()
    membership.save()
    audit.record(
        Action.MEMBERSHIP_STARTED,
        actor=actor,
        subject_type="user",
        subject_uid=str(user.pk),
        detail=described(membership),
    )
    return membership


@transaction.atomic
def end_membership(*, actor: Actor, membership: Membership, at: datetime | None = None) -> None:
    """End a membership now, or at a given moment; one that has not begun ends as it begins."""
    membership.valid_until = max(at or timezone.now(), membership.valid_from)
    membership.full_clean()
    membership.save(update_fields=["valid_until"])
    audit.record(
        Action.MEMBERSHIP_ENDED,
        actor=actor,
        subject_type="user",
        subject_uid=str(membership.user_id),
        detail=described(membership),
    )


@transaction.atomic
def own_place_of(user: User, *, site: Site) -> Department:
    """Return the place of what is granted to this person alone, made when there is none yet."""
    locked = User.objects.select_for_update(no_key=True).select_related(None).get(pk=user.pk)
    place = locked.own_place
    if place is None:
        place = Department.holders.create(
            site=site, code=f"person-{user.pk}", name=locked.label[:150], is_personal=True
        )
        locked.own_place = place
        locked.save(update_fields=["own_place"])
    user.own_place = place
    return place


def set_language(*, actor: Actor, user: User, language: str) -> None:
    """Remember the language in which a person reads. Raises :class:`ValidationError`."""
    _prefer(actor, user, "language", Language, language)


def set_theme(*, actor: Actor, user: User, theme: str) -> None:
    """Remember the light in which a person reads. Raises :class:`ValidationError`."""
    _prefer(actor, user, "theme", Theme, theme)


@transaction.atomic
def create_setup_link(*, actor: Actor, life: timedelta = SETUP_LINK_LIFE) -> tuple[SetupLink, str]:
    """Make the link with which the first administrator is created; return it with its secret.

    Earlier links end. Raises :class:`ValidationError` when an administrator exists.
    """
    if User.objects.filter(is_superuser=True, is_active=True).exists():
        raise ValidationError(_("An administrator exists already: sign in with that account."))
    now = timezone.now()
    SetupLink.objects.usable_at(now).update(expires_at=now)
    secret = new_secret()
    link = SetupLink.objects.create(digest=digest_of(secret), expires_at=now + life)
    audit.record(
        Action.SETUP_LINK_ISSUED,
        actor=actor,
        subject_type="setup_link",
        subject_uid=str(link.pk),
        detail={"expires_at": link.expires_at},
    )
    return link, secret


@transaction.atomic
def create_first_administrator(*, actor: Actor, secret: str, username: str, email: str, password: str) -> User:
    """Use a set-up link: make the administrator it was printed for.

    Raises :class:`ValidationError` when the link is used, expired or unknown, or a value is refused.
    """
    link = SetupLink.objects.select_for_update().usable_at(timezone.now()).filter(digest=digest_of(secret)).first()
    if link is None or User.objects.filter(is_superuser=True, is_active=True).exists():
        raise ValidationError(_("This link has been used or has expired."))
    user = User(username=username, email=email, is_staff=True, is_superuser=True)
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    user.save()
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
    audit.record(
        Action.USER_CREATED,
        actor=actor,
        subject_type="user",
        subject_uid=str(user.pk),
        detail={"username": user.username, "is_superuser": True},
    )
    return user


@transaction.atomic
def _prefer(actor: Actor, user: User, name: str, choices: type[Language | Theme], value: str) -> None:
    if value not in choices.values:
        raise ValidationError(_("“%(value)s” is not a choice."), params={"value": value})
    if getattr(user, name) == value:
        return
    setattr(user, name, value)
    user.save(update_fields=[name])
    audit.record(
        Action.USER_CHANGED,
        actor=actor,
        subject_type="user",
        subject_uid=str(user.pk),
        detail={name: value},
    )


def described(membership: Membership) -> dict[str, object]:
    """Return a membership as the audit tells it."""
    return {
        ("department" if membership.department else "group"): membership.where.code,
        "role": membership.role,
        **({"clears": sorted(membership.clears)} if membership.clears else {}),
        "valid_from": membership.valid_from,
        "valid_until": membership.valid_until,
    }
