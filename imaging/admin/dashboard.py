"""How things stand, on the first page of the admin: each figure leads to the list that it speaks of.

Every question is bounded: indexed ranges of days, receipts of hours, rows that wait. Whoever may not open a list is not
shown its figure either. No figure names a patient.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import plots
from accounts import selectors as accounts
from accounts.roles import Capability
from imaging.events import selectors as events
from imaging.ingest import arrivals, services
from imaging.ingest import selectors as ingest
from imaging.rendering import selectors as rendering
from imaging.storage.condition import MOST, Condition, conditions
from imaging.studies.finding import recent
from imaging.templatetags import people
from imaging.viewer import wording

DAYS: Final = 30
MODALITY_DAYS: Final = 7
#: Seconds that an object may wait in the spool before the tile says so: it is in the list within one.
_SLOW, _STUCK = 60, 600
_FULL, _NEARLY = 95, 85


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure. ``state`` is ok, warn or bad, shown by sign, word and colour."""

    label: str
    value: str
    detail: str
    address: str
    state: str = "ok"


def dashboard(request: HttpRequest) -> Mapping[str, Any]:
    """Return the tiles and plots that this person may see."""
    tiles = [tile for permission, made in _TILES if request.user.has_perm(permission) for tile in made(request)]
    drawn = [made() for permission, made in _PLOTS if request.user.has_perm(permission)]
    return {"tiles": tiles, "plots": drawn}


def _list(name: str, **asked: str) -> str:
    address = reverse(f"admin:imaging_{name}_changelist")
    return f"{address}?{urlencode(asked)}" if asked else address


def _spool(request: HttpRequest) -> Iterator[Tile]:
    found = arrivals.depth(services.spool())
    state = "bad" if found.oldest > _STUCK else "warn" if found.oldest > _SLOW or found.is_near_reserve else "ok"
    detail = _("nothing waits")
    if found.objects:
        detail = _("oldest since %(age)s") % {"age": _age(found.oldest)}
    if found.is_near_reserve:
        detail = _("the disk is nearly full: soon no more is accepted")
    yield Tile(_("Spool"), _objects(found.objects), detail, _list("receipt"), state)


def _quarantine(request: HttpRequest) -> Iterator[Tile]:
    waiting = ingest.quarantine_depth()
    count = sum(number for number, _seconds in waiting.values())
    oldest = max((seconds for _number, seconds in waiting.values()), default=0.0)
    desk = accounts.is_capable(request.user, Capability.RESOLVE_QUARANTINE)
    address = reverse("ingest:quarantine") if desk else _list("quarantinedobject", state__exact="open")
    detail = _("oldest since %(age)s") % {"age": _age(oldest)} if count else _("nothing waits")
    yield Tile(_("Quarantine"), _objects(count), detail, address, "warn" if count else "ok")


def _jobs(request: HttpRequest) -> Iterator[Tile]:
    states = events.jobs_by_state()
    failed = events.failed_jobs_by_step()
    worst = max(failed, key=lambda step: failed[step], default="")
    detail = wording.problem_title(worst) if worst else _("nothing failed")
    address = _list("job", state__exact="failed")
    yield Tile(_("Failed steps"), str(states["failed"]), detail, address, "bad" if failed else "ok")
    running = ngettext("%(count)d running", "%(count)d running", states["running"]) % {"count": states["running"]}
    yield Tile(_("Jobs waiting"), str(states["waiting"]), running, _list("job", state__exact="waiting"))


def _pictures(request: HttpRequest) -> Iterator[Tile]:
    failed = rendering.failed_by_problem()
    count = sum(failed.values())
    worst = max(failed, key=lambda code: failed[code], default="")
    detail = wording.problem_text("thumbnail", worst) if worst else _("every picture could be drawn")
    yield Tile(
        _("Pictures not drawn"),
        str(count),
        detail,
        _list("rendition", state__exact="failed"),
        "warn" if count else "ok",
    )


def _senders(request: HttpRequest) -> Iterator[Tile]:
    watched, silent = arrivals.watched_and_silent()
    detail = (
        ", ".join(silent[:3])
        if silent
        else ngettext("%(count)d is watched", "%(count)d are watched", watched) % {"count": watched}
    )
    address = _list("applicationentity", **({"silent_since__isnull": "False"} if silent else {}))
    yield Tile(_("Silent senders"), str(len(silent)), detail, address, "bad" if silent else "ok")


def _storage(request: HttpRequest) -> Iterator[Tile]:
    pace = arrivals.octets_per_day()
    address = reverse("admin:imaging_storage_tiers")
    for tier in conditions():
        if tier.total is not None:
            yield _fill(tier, pace, address)
        if not tier.is_written_first:
            yield _copies(tier, address)


def _fill(tier: Condition, pace: float, address: str) -> Tile:
    percent, free = tier.full_percent or 0, tier.free or 0
    detail = _("%(size)s free") % {"size": filesizeformat(free)}
    days = int(free / pace) if pace else None
    if days is not None and days < 3650:
        room = ngettext("room for about %(count)d day", "room for about %(count)d days", days) % {"count": days}
        detail = f"{detail} · {room}"
    state = "bad" if percent >= _FULL else "warn" if percent >= _NEARLY else "ok"
    return Tile(
        _("Storage: %(tier)s") % {"tier": tier.tier},
        _("%(percent)d %% full") % {"percent": percent},
        detail,
        address,
        state,
    )


def _copies(tier: Condition, address: str) -> Tile:
    value = f"{MOST}+" if tier.is_counted_out else str(tier.waiting)
    detail = _("everything is copied")
    if tier.failing:
        detail = ngettext("%(count)d has met a problem", "%(count)d have met a problem", tier.failing) % {
            "count": tier.failing
        }
    elif tier.waiting:
        detail = _("being copied")
    return Tile(
        _("Copies waiting: %(tier)s") % {"tier": tier.tier}, value, detail, address, "bad" if tier.failing else "ok"
    )


def _studies_per_day() -> plots.Plot:
    rows = recent.studies_by_day(days=DAYS)
    bars = plots.standing([(people.day(on), count, 0) for on, count in rows])
    total = sum(count for _day, count in rows)
    sentence = ngettext(
        "%(count)d study in 30 days, at most %(most)d on one day",
        "%(count)d studies in 30 days, at most %(most)d on one day",
        total,
    ) % {"count": total, "most": max(count for _day, count in rows)}
    return plots.Plot(
        "days", _("Studies per day"), sentence, (_("Day"), _("Studies")), bars, reverse("viewer:study-list")
    )


def _by_modality() -> plots.Plot:
    rows = recent.studies_by_modality(days=MODALITY_DAYS)
    most = ", ".join(f"{name} {count}" for name, count in rows[:3])
    sentence = _("The last 7 days: %(most)s") % {"most": most} if rows else _("No study in the last 7 days")
    columns = (_("Modality"), _("Studies"))
    return plots.Plot(
        "modalities", _("By modality"), sentence, columns, plots.lying(rows), reverse("viewer:study-list"), lying=True
    )


def _today() -> plots.Plot:
    rows = arrivals.today_by_hour()
    bars = plots.standing(
        [(date_format(timezone.localtime(hour), "H:i"), found.taken, found.refused) for hour, found in rows]
    )
    taken, refused = sum(found.taken for _hour, found in rows), sum(found.refused for _hour, found in rows)
    sentence = ngettext(
        "%(count)d object today, %(refused)d refused", "%(count)d objects today, %(refused)d refused", taken
    ) % {"count": taken, "refused": refused}
    now = timezone.localtime()
    address = _list("receipt", hour__year=str(now.year), hour__month=str(now.month), hour__day=str(now.day))
    columns = (_("Hour"), _("Taken in"), _("Refused"))
    return plots.Plot("hours", _("Arrivals today, by the hour"), sentence, columns, bars, address)


def _objects(count: int) -> str:
    return ngettext("%(count)d object", "%(count)d objects", count) % {"count": count}


def _age(seconds: float) -> str:
    """Return a time of waiting in its largest unit."""
    if seconds < 60:
        return ngettext("%(count)d second", "%(count)d seconds", int(seconds)) % {"count": int(seconds)}
    if seconds < 7200:
        return ngettext("%(count)d minute", "%(count)d minutes", int(seconds // 60)) % {"count": int(seconds // 60)}
    if seconds < 172800:
        return ngettext("%(count)d hour", "%(count)d hours", int(seconds // 3600)) % {"count": int(seconds // 3600)}
    return ngettext("%(count)d day", "%(count)d days", int(seconds // 86400)) % {"count": int(seconds // 86400)}


_TILES: Final[tuple[tuple[str, Callable[[HttpRequest], Iterator[Tile]]], ...]] = (
    ("imaging.view_receipt", _spool),
    ("imaging.view_quarantinedobject", _quarantine),
    ("imaging.view_job", _jobs),
    ("imaging.view_rendition", _pictures),
    ("imaging.view_applicationentity", _senders),
    ("imaging.view_copyorder", _storage),
)
_PLOTS: Final[tuple[tuple[str, Callable[[], plots.Plot]], ...]] = (
    ("imaging.view_study", _studies_per_day),
    ("imaging.view_study", _by_modality),
    ("imaging.view_receipt", _today),
)
