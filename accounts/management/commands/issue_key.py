"""Issue a key to a machine."""

import json
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import services
from accounts.actor import SYSTEM
from accounts.models import Department
from accounts.roles import MACHINE_DOORS, Right


class Command(BaseCommand):
    """Issues a machine key and prints it once."""

    help = (
        "Issues a key with which a machine reads or sends through DICOMweb, the REST API or FHIR, in "
        "the departments you name. The key is printed once and cannot be shown again. The machine "
        "sends it as “Authorization: Bearer KEY”. Example: "
        "manage.py issue_key ris --department emergency --door dicomweb --right list view"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="the machine's name: letters, digits and . _ -")
        parser.add_argument("--department", nargs="+", required=True, metavar="CODE", help="codes of its departments")
        parser.add_argument(
            "--door",
            nargs="+",
            choices=[str(door) for door in MACHINE_DOORS],
            default=[str(door) for door in MACHINE_DOORS],
            help="where it may come in (default: all)",
        )
        parser.add_argument(
            "--right",
            nargs="+",
            choices=Right.values,
            default=["list", "view"],
            help="what it may do there (default: list view)",
        )
        parser.add_argument(
            "--address",
            nargs="+",
            default=[],
            metavar="NETWORK",
            help="addresses or networks it may come from (default: any)",
        )
        parser.add_argument("--days", type=int, help="days until it expires (default: never)")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Issue the key and print it."""
        departments = list(Department.objects.filter(code__in=options["department"]))
        missing = sorted(set(options["department"]) - {department.code for department in departments})
        if missing:
            raise CommandError(f"No department has the code {', '.join(missing)}.")
        if options["days"] is not None and not 1 <= options["days"] <= 36_500:
            raise CommandError("--days must lie between 1 and 36500.")
        try:
            issued = services.create_machine_key(
                actor=SYSTEM,
                name=options["name"],
                departments=departments,
                rights=dict.fromkeys(options["door"], options["right"]),
                addresses=options["address"],
                expires_at=timezone.now() + timedelta(days=options["days"]) if options["days"] else None,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"name": issued.key.name, "key": issued.plaintext}))
            return
        self.stdout.write(f"Key of {issued.key.name}, shown this once:\n")
        self.stdout.write(f"  {issued.plaintext}")
