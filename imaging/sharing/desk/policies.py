"""What somebody may do about one share: pure rules over who they are to it and where it stands."""

from dataclasses import dataclass

from imaging.sharing.desk.selectors import Keeper
from imaging.sharing.health_link import policies
from imaging.sharing.models import Share


@dataclass(frozen=True, slots=True)
class Acts:
    """What the page of a share offers, and what is taken from it."""

    revoke: bool
    change: bool
    renew: bool
    decide: bool
    health_link: bool

    @property
    def any(self) -> bool:
        """Whether anything at all can be done."""
        return self.revoke or self.change or self.renew or self.decide or self.health_link


def acts_of(person: Keeper, share: Share) -> Acts:
    """Return what may be done now.

    Ending is for everybody who looks after a share. What widens it is for who may share for that department, and for those
    who allow its shares; the link is for who made it alone. Nobody agrees to their own.
    """
    is_own = share.created_by_id == person.user.pk
    may_share = is_own and share.department_id in person.shares_in
    decides = share.department_id in person.decides_in
    stands = not share.is_over
    waits = share.state == Share.State.WAITING
    return Acts(
        revoke=stands,
        change=stands and not waits and (may_share or decides),
        renew=stands and not waits and may_share,
        decide=stands and waits and decides and not is_own,
        health_link=may_share and policies.is_offered(share),
    )
