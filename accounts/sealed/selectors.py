"""Questions about sealed accounts."""

from django.utils import timezone

from accounts.models import SealedAccount, SealedOpening, User


def of_user(user: object) -> SealedAccount | None:
    """Return the sealed account of a user; None for everybody else."""
    if not isinstance(user, User):
        return None
    return SealedAccount.objects.filter(user=user).first()


def opening_of(account: SealedAccount) -> SealedOpening | None:
    """Return the latest opening of an account."""
    return account.openings.order_by("-pk").first()


def is_any_sealed() -> bool:
    """Whether there is an envelope that opens: the sign-in page shows its way in only then."""
    now = timezone.now()
    return any(row.is_usable_at(now) for row in SealedAccount.objects.all()[:200])
