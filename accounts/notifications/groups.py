"""Under which heading a kind stands in the table of preferences and in the list."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Group:
    """A heading; they stand in the order of ``place``."""

    name: str
    label: str | Promise
    place: int


CRITICAL: Final = Group("critical", _("Critical findings"), 10)
REQUESTS: Final = Group("requests", _("Exams that I asked for"), 20)
WORK: Final = Group("work", _("Work that waits for me"), 30)
REPORTS: Final = Group("reports", _("Reports"), 40)
ACCESS: Final = Group("access", _("Access to studies"), 50)
SHARING: Final = Group("sharing", _("Images that I share"), 55)
OPERATION: Final = Group("operation", _("Running the portal"), 60)
ACCOUNT: Final = Group("account", _("My account"), 70)
