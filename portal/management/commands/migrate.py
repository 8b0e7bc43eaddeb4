"""Django's `migrate`, as the role that owns the database."""

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Migrates through the connection `owner` where there is one: the application's role may not change tables."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Make `owner` the default of --database."""
        super().add_arguments(parser)
        if "owner" in connections.settings:
            parser.set_defaults(database="owner")
