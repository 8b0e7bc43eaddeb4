"""Questions about sealed accounts."""

from django.utils import timezone

from accounts.models import SealedAccount


def is_any_sealed() -> bool:
    """Whether there is an envelope that opens: the sign-in page shows its way in only then."""
    now = timezone.now()
    return any(row.is_usable_at(now) for row in SealedAccount.objects.all()[:200])
