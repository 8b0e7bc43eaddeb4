"""Makes the demo hospital's departments, people, machines and rules. Run again, it changes nothing that is there."""

from pathlib import Path
from typing import Any

from django.db import transaction

from accounts import services as accounts
from accounts.actor import SYSTEM
from accounts.models import Department, MachineKey, Membership, Site, User
from accounts.roles import MACHINE_DOORS, Right, Role
from imaging.access.requests.models import AccessPolicy, Relation
from imaging.ehr.models import Hl7Peer
from imaging.ingest.models import ApplicationEntity, RoutingRule
from imaging.reports.templates import services as report_templates
from imaging.sharing.models import RecordPolicy
from portal.demo.plan import Plan

MACHINE_NAME = "demo-machine"


@transaction.atomic
def prepare(plan: Plan, *, password: str, key_file: Path) -> str:
    """Create what is missing and return the machine key, which is kept in `key_file` (mode 0600)."""
    site, _ = Site.objects.get_or_create(name=plan.site["name"], defaults=plan.site)
    departments = {
        code: Department.objects.get_or_create(code=code, defaults={"site": site, "name": english, "name_fr": french})[
            0
        ]
        for code, (english, french) in plan.departments.items()
    }
    for username, person in plan.people.items():
        _person(username, person, departments, password)
    for title, (description, codes) in plan.application_entities.items():
        entity, _ = ApplicationEntity.objects.get_or_create(
            ae_title=title, defaults={"description": description, "loopback_only": True, "may_query": True}
        )
        entity.departments.set([departments[code] for code in codes])
    Hl7Peer.objects.get_or_create(
        sending_application="HIS",
        sending_facility="DEMO HOSPITAL",
        defaults={
            "name": "Hospital information system",
            "address": "127.0.0.1",
            "site": site,
            "may_order": True,
            "may_report": True,
            "requesting_department": departments["emergency"],
        },
    )
    for order, rule in enumerate(plan.rules, start=1):
        _rule(order * 10, rule, departments)
    _access_policies(departments)
    # Patients may get a link to their own record: to be tried, with all else as it is for a hospital that begins.
    RecordPolicy.objects.get_or_create(department=None, defaults={"is_given": True})
    report_templates.load_starter(actor=SYSTEM)
    return _machine_key(departments["emergency"], key_file)


def _person(username: str, person: list[Any], departments: dict[str, Department], password: str) -> None:
    display_name, role, codes, language = person
    user, created = User.objects.get_or_create(
        username=username,
        defaults={"display_name": display_name, "language": language, "email": f"{username}@saint-luc.example"},
    )
    if not created:
        return
    user.set_password(password)
    user.is_superuser = role == Role.ADMINISTRATOR
    # The privacy officer reads the audit and protects patients in the administration, and changes nothing else there.
    user.is_staff = role in {Role.ADMINISTRATOR, Role.PRIVACY_OFFICER}
    user.save()
    for code in codes:
        if not Membership.objects.filter(user=user, department=departments[code]).exists():
            accounts.add_membership(actor=SYSTEM, user=user, department=departments[code], role=role)


def _rule(order: int, rule: dict[str, Any], departments: dict[str, Department]) -> None:
    row, created = RoutingRule.objects.get_or_create(
        name=rule["name"],
        defaults={
            "order": order,
            "door": rule.get("door", ""),
            "calling_ae_title": rule.get("calling_ae_title", ""),
            "owner": departments[rule["owner"]],
        },
    )
    if created:
        row.also.set([departments[code] for code in rule.get("also", [])])


def _access_policies(departments: dict[str, Department]) -> None:
    """What becomes of requests for access: by what is found true, else by a person; emergency's manager where nobody else."""
    proved = [Relation.TREATING, Relation.REFERRER, Relation.ORDERED, Relation.CONSULTED]
    AccessPolicy.objects.get_or_create(department=None, defaults={"verified": proved})
    AccessPolicy.objects.get_or_create(
        department=departments["radiology"],
        defaults={
            "verified": proved,
            "may_give_download": True,
            "says_its_name": True,
            "longest_hours": 24 * 30,
            "deputy": departments["emergency"],
            "referrer_hours": 24 * 30,
        },
    )


def _machine_key(department: Department, key_file: Path) -> str:
    existing = MachineKey.objects.filter(name=MACHINE_NAME).first()
    if existing and key_file.exists():
        return key_file.read_text().strip()
    if existing:
        existing.delete()
    issued = accounts.create_machine_key(
        actor=SYSTEM,
        name=MACHINE_NAME,
        departments=[department],
        rights={door: [Right.LIST, Right.VIEW, Right.DOWNLOAD, Right.WRITE] for door in MACHINE_DOORS},
    )
    key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_file.touch(mode=0o600)
    key_file.write_text(issued.plaintext + "\n")
    return issued.plaintext
