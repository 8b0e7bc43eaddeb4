"""Questions about the numbers of practitioners."""

from collections.abc import Iterable

from accounts.models import User
from accounts.practitioners.models import PractitionerIdentifier

#: A number in its numbering system.
Numbered = tuple[str, str]


def people_numbered(numbers: Iterable[Numbered]) -> list[User]:
    """Return the active people whom these (system, number) pairs mean. Without its system a number means nobody."""
    wanted = {(system.strip().upper(), number.strip()) for system, number in numbers if system.strip()}
    rows = PractitionerIdentifier.objects.filter(
        number__in={number for _system, number in wanted}, user__is_active=True
    ).select_related("user")
    found = {row.user.pk: row.user for row in rows if (row.system, row.number) in wanted}
    return [found[pk] for pk in sorted(found)]


def numbers_of(user: User) -> frozenset[Numbered]:
    """Return the numbers of a person."""
    return frozenset(PractitionerIdentifier.objects.filter(user=user).values_list("system", "number"))
