"""Add the months to come to the audit table."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from accounts.audit import partitions


class Command(BaseCommand):
    """Adds partitions as the role that owns the database."""

    help = (
        "Adds to the audit table the partitions of the months to come, where they are missing. "
        "It needs DATABASE_OWNER_URL, and can be run as often as you like: once a month is enough."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--months", type=int, default=24, help="how many months ahead (default: 24)")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Add the months and say which."""
        if "owner" not in connections.settings:
            raise CommandError("DATABASE_OWNER_URL is not set: only the owner can add partitions.")
        if not 0 <= options["months"] <= 1200:
            raise CommandError("--months must lie between 0 and 1200.")
        added = partitions.add_months(months=options["months"])
        if options["json"]:
            self.stdout.write(json.dumps({"added": added.partitions, "moved": added.moved}))
            return
        self.stdout.write(f"{len(added.partitions)} months added, {added.moved} events moved.")
