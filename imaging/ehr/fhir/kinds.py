"""What every kind of resource of the facade does: it is read by its id, and searched by its parameters, page by page."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import orjson
from django.contrib.auth.models import AnonymousUser

from accounts.actor import Actor
from accounts.models import User
from accounts.scope import Scope
from imaging.ehr.fhir.parameters import Criteria, Parameter, Type
from imaging.fhir.values import OBSERVATION_VALUES, Resource

#: Parameters of every kind.
ID: Final = Parameter("_id", Type.TOKEN, "Id of the resource")
LAST_UPDATED: Final = Parameter("_lastUpdated", Type.DATE, "When the resource last changed")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, what they may see, and the addresses by which they reach us: of the portal, and of the facade."""

    scope: Scope
    actor: Actor
    user: User | AnonymousUser
    portal: str
    #: The only kinds that may be read; None for all.
    kinds: frozenset[str] | None = None

    def may_read(self, kind: str) -> bool:
        """Whether resources of a kind may be read at all."""
        return self.kinds is None or kind in self.kinds

    @property
    def base(self) -> str:
        """The address of the facade, without a slash at its end."""
        return f"{self.portal}/fhir"


@dataclass(frozen=True, slots=True)
class Page:
    """Resources of a search. ``next`` is an opaque place, empty at the end; ``total`` is None where nobody counted."""

    resources: Sequence[Resource] = ()
    next: str = ""
    total: int | None = None


NOTHING: Final = Page(total=0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One page of a search: from the place ``after`` on, at most ``count``; ``order`` is one of the kind's ``sorts``, or empty."""

    criteria: Criteria
    count: int
    after: str = ""
    order: str = ""


class Kind(ABC):
    """One kind of resource."""

    #: Its name (R4 resource type).
    name: ClassVar[str]
    #: What it is here, for the capability statement.
    about: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    sorts: ClassVar[tuple[str, ...]] = ()
    #: What refers to it and can be included by a search of it, as `Provenance:target`.
    reverse_includes: ClassVar[tuple[str, ...]] = ()
    #: Whether clients may create and update it.
    is_written: ClassVar[bool] = False

    @abstractmethod
    def read(self, asking: Asking, key: str) -> Resource | None:
        """The whole resource, with its reading on record; None where there is none to see."""

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """One page of what is found."""
        raise NotImplementedError

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        raise NotImplementedError

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """Those of these ids that may be seen, as a search shows them: what another search includes."""
        raise NotImplementedError

    def pointing_at(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """Those that refer to resources of these ids: what a search of the others includes in reverse."""
        raise NotImplementedError

    def create(self, asking: Asking, body: Resource) -> tuple[str, bool]:
        """Make what a client sends; its id, and whether it is new. Raises ``Refused``."""
        raise NotImplementedError

    def update(self, asking: Asking, key: str, body: Resource) -> None:
        """Change one to what a client sends. Raises ``Refused``."""
        raise NotImplementedError

    @property
    def is_searched(self) -> bool:
        """Whether it can be searched; what cannot is found by the reference of another resource."""
        return bool(self.parameters)

    @property
    def includes(self) -> tuple[str, ...]:
        """What a search of it may include: its references."""
        return tuple(f"{self.name}:{found.name}" for found in self.parameters if found.element)

    @classmethod
    def parameter(cls, name: str) -> Parameter | None:
        """A parameter by its name."""
        return next((found for found in cls.parameters if found.name == name), None)


def versioned(resource: Resource) -> tuple[Resource, str]:
    """A resource with its version, which is made of all that it says; and the version."""
    version = hashlib.sha256(orjson.dumps(resource)).hexdigest()[:32]
    meta = {"versionId": version, **resource.get("meta", {})}
    head = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta}
    return head | {name: value for name, value in resource.items() if name not in head}, version


def titled(resource: Resource, key: str, *, updated: str = "", is_part: bool = False) -> Resource:
    """A resource with its id and meta first, as people read it; ``is_part`` says that a reading gives more of it."""
    meta: Resource = {"lastUpdated": updated} if updated else {}
    if is_part:
        meta["tag"] = [{"system": OBSERVATION_VALUES, "code": "SUBSETTED"}]
    rest = {name: value for name, value in resource.items() if name != "resourceType"}
    return {"resourceType": resource["resourceType"], "id": key, **({"meta": meta} if meta else {}), **rest}
