"""Who handed an object over, and by which door: frozen, small, kept beside the bytes until they are registered."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Self, cast

from accounts.actor import Actor, ActorKind
from accounts.roles import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One sender at one door. Equal senders share one record in the spool, named by its digest (`key`).

    ``sender`` is the calling AE title, or the name of the person or machine. ``department_ids`` are the departments for
    which the sender may write: only in their studies may it add to what others made.

    ``place_in`` are the departments that a person chose for new studies: routing rules are not asked then.
    ``corrections`` is a DICOM JSON object (PS3.18 annex F) of attributes to be put over every object of this source, as
    text: a disc's patient gets our patient ID by it; ``correction_origin`` (a value of ``Correction.Origin``) and
    ``correction_reason`` go with them. ``identity_decided`` says that a person has decided who the patient
    is, so that the policies do not object. ``decider_id`` and ``decider_name`` are the person who let an object out of
    quarantine: the audit names that person, the version its sender. ``is_copy`` is said of what the archive has made itself of
    a study of its own, without identity: it lies in no department.

    All of these lie in the spool with the bytes, so that a crash between receiving
    and registering cannot lose what was decided.
    """

    door: str
    sender: str
    actor_kind: ActorKind = "application_entity"
    actor_id: str = ""
    address: str = ""
    called_ae_title: str = ""
    department_ids: tuple[int, ...] = ()
    place_in: tuple[int, ...] = ()
    corrections: str = ""
    correction_origin: str = "import"
    correction_reason: str = ""
    identity_decided: bool = False
    decider_id: str = ""
    decider_name: str = ""
    is_copy: bool = False

    @property
    def actor(self) -> Actor:
        """The sender as the audit names it, or the person who decided about what it sent."""
        if self.decider_id:
            return Actor(kind="user", id=self.decider_id, name=self.decider_name, door=Door.PAGE)
        return Actor(
            kind=self.actor_kind,
            id=self.actor_id or self.sender,
            name=self.sender,
            address=self.address,
            door=self.door,
        )

    @property
    def key(self) -> str:
        """16 hexadecimal digits that stand for this sender in the spool."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

    def to_bytes(self) -> bytes:
        """JSON in UTF-8, the same for equal senders."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, record: bytes) -> Self:
        """The inverse of ``to_bytes``. Raises ValueError, KeyError or TypeError for anything else."""
        values = cast(dict[str, Any], json.loads(record))
        for name in ("department_ids", "place_in"):
            values[name] = tuple(int(key) for key in values.get(name, ()))
        return cls(**values)
