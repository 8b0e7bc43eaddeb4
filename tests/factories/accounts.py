"""Makers of people, departments, memberships and machine keys."""

from typing import Any

import factory
from django.contrib.auth.hashers import make_password

from accounts import services
from accounts.actor import SYSTEM
from accounts.models import Department, Membership, Site, User
from accounts.roles import MACHINE_DOORS, Right, Role

PASSWORD = "a-long-enough-password"
# Argon2 takes its time by design: once is enough for every user of a run.
_HASHED: dict[str, str] = {}


def hashed(password: str) -> str:
    """Return the password's hash, computed once per run."""
    if password not in _HASHED:
        _HASHED[password] = make_password(password)
    return _HASHED[password]


class SiteFactory(factory.django.DjangoModelFactory[Site]):
    """A hospital."""

    class Meta:
        model = Site

    name = factory.Sequence(lambda n: f"Hospital {n}")
    issuer_of_patient_id = factory.Sequence(lambda n: f"HOSPITAL{n}")
    issuer_oid = factory.Sequence(lambda n: f"1.2.826.0.1.3680043.10.{n + 1}")
    time_zone = "Europe/Paris"


class DepartmentFactory(factory.django.DjangoModelFactory[Department]):
    """A department of a hospital of its own, unless one is given."""

    class Meta:
        model = Department
        django_get_or_create = ("code",)

    site = factory.SubFactory(SiteFactory)
    code = factory.Sequence(lambda n: f"department-{n}")
    name = factory.LazyAttribute(lambda department: department.code.replace("-", " ").capitalize())
    name_fr = ""


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A person, with :data:`PASSWORD`, who belongs to no department."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"person-{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@hospital.example")
    password = factory.LazyFunction(lambda: hashed(PASSWORD))


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):
    """A clinician's membership, from now on."""

    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    department = factory.SubFactory(DepartmentFactory)
    role = Role.CLINICIAN


def issue_machine_key(*departments: Department, name: str = "archive-gateway", **options: Any) -> services.IssuedKey:
    """Issue a key with every right at every machine door, in the given departments."""
    rights = options.pop("rights", {str(door): list(Right) for door in MACHINE_DOORS})
    return services.create_machine_key(actor=SYSTEM, name=name, departments=departments, rights=rights, **options)


__all__ = [
    "PASSWORD",
    "DepartmentFactory",
    "MembershipFactory",
    "SiteFactory",
    "UserFactory",
    "issue_machine_key",
]
