"""What a collection lends at this moment, as conditions in SQL: the one place that says so, for every door."""

from collections.abc import Collection as Keys
from typing import Any, Final, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from imaging.studies.querysets import shareable_by, without_opposition

#: What a patient may have opposed (``PatientChoice.Use``), by the kinds of collection that need it.
_OPPOSED: Final = ("teaching", "research")


class CollectionQuerySet(models.QuerySet[Any]):
    """Collections, by whom they are shown to."""

    def of(self, user: int, departments: Keys[int]) -> Self:
        """Those of which a person, or one of the departments in which they see images, is a member."""
        member = apps.get_model("imaging", "CollectionMember")
        mine = member.objects.filter(Q(user=user) | Q(department__in=departments), collection=OuterRef("pk"))
        return self.filter(Exists(mine))


class CollectionItemQuerySet(models.QuerySet[Any]):
    """Studies of collections, by whether they are lent."""

    def present(self) -> Self:
        """Those that nobody took out."""
        return self.filter(removed_at=None)

    def shareable(self) -> Self:
        """Those that the department may still share: lies with it, is not protected, is the same person's who did not oppose."""
        merges = apps.get_model("imaging", "PatientMerge").objects.in_force().filter(merged=OuterRef("patient"))
        # A record that was merged twice over is followed; one that went further is added anew by a person.
        twice = Q(into__merges__into=OuterRef("study__patient"), into__merges__reverted_at=None)
        merged = merges.filter(Q(into=OuterRef("study__patient")) | twice)
        allowed = Q()
        for kind in _OPPOSED:
            allowed &= ~Q(collection__kind=kind) | without_opposition("study__patient", kind)
        return self.present().filter(
            Q(study__patient=F("patient")) | Exists(merged),
            allowed,
            shareable_by("study", "department"),
            study__sensitivity="",
            study__instance_count__gt=0,
        )

    def lent_by(self, collections: Keys[int]) -> Self:
        """Those that these collections lend now."""
        return self.shareable().filter(collection__in=collections, collection__archived_at=None)


def lies_in(path: str, collections: Keys[int]) -> Q:
    """The condition that the study whose primary key lies at `path` is lent by one of these collections.

    Of one without identity it is the copy, once it is ready and as long as its source could be lent; never the source.
    """
    items = apps.get_model("imaging", "CollectionItem").objects.lent_by(collections)
    copied = apps.get_model("imaging", "CopiedStudy")
    sources = items.filter(study=OuterRef("source"), collection__deidentification=OuterRef("deidentification"))
    copies = copied.objects.filter(Exists(sources), state=copied.State.READY, copy=OuterRef(path))
    return Q(Exists(items.filter(study=OuterRef(path), collection__deidentification=None))) | Q(Exists(copies))
