"""Seal an emergency account."""

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from accounts.actor import SYSTEM
from accounts.models import Department, SealedAccount
from accounts.roles import Capability, Role, capabilities_of
from accounts.sealed import services


class Command(BaseCommand):
    """Makes a sealed emergency account, or seals one again, and prints what goes into the envelope once."""

    help = (
        "Makes an emergency account for the day on which nobody can sign in otherwise: it is switched off until its "
        "envelope is opened, opening it is an alarm, and it closes by itself. The code is printed once: print it on "
        "paper, put that into an envelope. Called for an account that exists, it closes that account and prints a new "
        "code; say with --note what was found if the envelope had been opened. Example: "
        "manage.py seal_account envelope-1 --department emergency --place 'safe of the ward'"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="the account's name, as it stands on the paper")
        parser.add_argument("--label", default="", help="the name that pages show (default: the account's name)")
        parser.add_argument("--department", metavar="CODE", help="code of the department whose studies it opens")
        parser.add_argument(
            "--role",
            choices=[role.value for role in Role if Capability.BREAK_GLASS in capabilities_of(role)],
            default=Role.CLINICIAN.value,
            help="the role it has there (default: clinician)",
        )
        parser.add_argument("--place", default="", help="where the envelope lies")
        parser.add_argument("--hours", type=int, default=12, help="hours it stays open, 1 to 72 (default: 12)")
        parser.add_argument("--days", type=int, default=services.GOOD_DAYS, help="days the seal is good (default: 365)")
        parser.add_argument("--note", default="", help="what was found, when it had been opened")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal and print."""
        if not 1 <= options["days"] <= 3650:
            raise CommandError("--days must lie between 1 and 3650.")
        known = SealedAccount.objects.filter(user__username=options["name"]).first()
        try:
            if known is not None:
                sealed = services.seal_again(known, actor=SYSTEM, note=options["note"], days=options["days"])
            else:
                sealed = self._new(options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        address = settings.PUBLIC_URL + reverse("accounts:sealed")
        account = sealed.account
        if options["json"]:
            told = {"account": account.user.get_username(), "code": sealed.code, "url": address}
            self.stdout.write(json.dumps({**told, "expires_at": account.expires_at.isoformat()}))
            return
        self.stdout.write("For the envelope, shown this once:\n")
        self.stdout.write(f"  address  {address}")
        self.stdout.write(f"  account  {account.user.get_username()}")
        self.stdout.write(f"  code     {sealed.code}")
        self.stdout.write(f"The seal is good until {account.expires_at:%Y-%m-%d}; opening it is an alarm.")

    def _new(self, options: dict[str, Any]) -> services.Sealed:
        department = Department.objects.filter(code=options["department"] or "").first()
        if department is None:
            raise CommandError("Name the department by its code: --department CODE.")
        return services.seal_new(
            actor=SYSTEM,
            name=options["name"],
            label=options["label"] or options["name"],
            department=department,
            role=options["role"],
            place=options["place"],
            open_hours=options["hours"],
            days=options["days"],
        )
