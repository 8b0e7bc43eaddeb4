"""Who does something: one small value that every service and every audit event carries."""

from dataclasses import dataclass
from typing import Final, Literal

ActorKind = Literal["user", "machine", "application_entity", "share", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, machine, DICOM peer, share or the system itself, and the way it came in.

    ``id`` is the primary key as text (or the AE title), ``name`` what a reader of the audit understands.
    ``door`` is a value of :class:`accounts.roles.Door`; ``address`` is the peer's network address.
    """

    kind: ActorKind
    id: str
    name: str
    address: str = ""
    door: str = ""
    request_id: str = ""

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody has been recognised."""
        return not self.id


SYSTEM: Final = Actor(kind="system", id="system", name="system")
ANONYMOUS: Final = Actor(kind="user", id="", name="anonymous")
