"""The copies that a share without identity needs: asked for when it is made."""

from collections import defaultdict
from collections.abc import Iterable

from accounts.actor import Actor
from accounts.models import User
from imaging.sharing.copies import services as copies
from imaging.sharing.copies.services import Wanted
from imaging.sharing.making.choosing import Chosen
from imaging.sharing.models import Deidentification
from imaging.studies.models import Study


def ask(user: User, found: Iterable[Chosen], *, options: Iterable[str], actor: Actor, runs: bool) -> Deidentification:
    """Have copies made of what is to be shared. Without ``runs`` they wait for a second person's agreement."""
    deidentification = copies.begin(user, options)
    copies.prepare(deidentification, _wanted(found), actor=actor, runs=runs)
    return deidentification


def _wanted(found: Iterable[Chosen]) -> list[Wanted]:
    """What was chosen, by study: all of it, or its named parts."""
    parts: dict[Study, list[Chosen]] = defaultdict(list)
    for entry in found:
        parts[entry.study].append(entry)
    wanted = []
    for study, entries in parts.items():
        if any(entry.series is None for entry in entries):
            wanted.append(Wanted(study))
            continue
        series = [entry.series.pk for entry in entries if entry.series and entry.instance is None]
        instances = [entry.instance.pk for entry in entries if entry.instance]
        wanted.append(Wanted(study, series, instances))
    return wanted
