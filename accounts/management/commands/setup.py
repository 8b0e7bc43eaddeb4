"""Print the link with which the first administrator is made."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from accounts import services
from accounts.actor import SYSTEM


class Command(BaseCommand):
    """Makes a set-up link."""

    help = (
        "Prints a link, good once and for an hour, with which you choose the name and the password "
        "of the first administrator. There is no default account. A new link ends the one before."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--hours", type=int, default=1, help="how long the link is good (default: 1)")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the link and print it."""
        if not 1 <= options["hours"] <= 24 * 7:
            raise CommandError("--hours must lie between 1 and 168.")
        try:
            link, secret = services.create_setup_link(actor=SYSTEM, life=timedelta(hours=options["hours"]))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        address = settings.PUBLIC_URL + reverse("accounts:setup-link", args=[secret])
        if options["json"]:
            self.stdout.write(json.dumps({"url": address, "expires_at": link.expires_at.isoformat()}))
            return
        self.stdout.write("Open this link once to make the first administrator:\n")
        self.stdout.write(f"  {address}\n")
        self.stdout.write(f"It is good until {link.expires_at:%Y-%m-%d %H:%M} UTC.")
