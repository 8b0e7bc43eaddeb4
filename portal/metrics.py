"""What a monitoring system asks every minute, as Prometheus text. It names no patient, no study and no person.

Answered to the token of METRICS_TOKEN_FILE and to METRICS_ADDRESSES; for anybody else the address does not exist.
"""

import hmac
import ipaddress
import shutil
from collections.abc import Iterator

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import addresses
from accounts.audit import forwarding as audit_forwarding
from accounts.audit import spool as audit_spool
from imaging.events import selectors as events
from imaging.ingest import selectors as ingest
from imaging.ingest import services
from imaging.rendering import selectors as rendering
from imaging.storage import selectors as copies
from portal.environment import environment

Sample = tuple[str, str, str, float]


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the figures, or 404."""
    if not _may_read(request):
        raise Http404
    lines: list[str] = []
    described: set[str] = set()
    for name, text, labels, value in _samples():
        if name not in described:
            described.add(name)
            lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
        lines.append(f"{name}{labels} {value:g}")
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = environment.metrics_token
    if expected and scheme == "Bearer" and hmac.compare_digest(token.encode(), expected.encode()):
        return True
    try:
        client = ipaddress.ip_address(addresses.client_address(request))
        return any(client in ipaddress.ip_network(network, strict=False) for network in environment.metrics_addresses)
    except ValueError:
        return False


def _samples() -> Iterator[Sample]:
    yield from _background()
    yield from _ingest()
    yield from _storage()
    yield from _audit()
    usage = shutil.disk_usage(environment.data_dir)
    yield "negatoscope_disk_free_bytes", "Free space on the disk of DATA_DIR.", "", usage.free
    yield "negatoscope_disk_total_bytes", "Size of the disk of DATA_DIR.", "", usage.total


def _background() -> Iterator[Sample]:
    for state, count in events.jobs_by_state().items():
        yield "negatoscope_jobs", "Background jobs by state.", _labels(state=state), count
    for queue, count in events.waiting_jobs_by_queue().items():
        yield "negatoscope_queue_jobs", "Jobs that wait, by queue.", _labels(queue=queue), count
    for step, count in events.failed_jobs_by_step().items():
        yield "negatoscope_steps_failed", "Jobs that were given up, by step.", _labels(step=step), count
    yield "negatoscope_events_pending", "Events not drained yet.", "", events.pending_events()
    for code, count in rendering.failed_by_problem().items():
        text = "Pictures that could not be drawn, by problem."
        yield "negatoscope_conversions_failed", text, _labels(problem=code), count


def _ingest() -> Iterator[Sample]:
    for door, counts in ingest.received_today().items():
        for outcome in ("new", "duplicate", "conflict", "quarantined", "refused"):
            labels = _labels(door=door, outcome=outcome)
            yield "negatoscope_objects_today", "Objects since midnight UTC.", labels, counts[outcome]
    for door, counts in ingest.received_today().items():
        yield "negatoscope_received_bytes_today", "Their bytes.", _labels(door=door), counts["octets"]
    waiting = ingest.waiting(services.spool())
    yield "negatoscope_spool_objects", "Objects in the spool: received, not registered yet.", "", waiting.objects
    yield "negatoscope_spool_bytes", "Their size.", "", waiting.octets
    yield "negatoscope_spool_oldest_seconds", "How long the oldest has waited.", "", waiting.oldest
    lag = "Longest wait from spool to archive in this hour."
    yield "negatoscope_registrar_lag_seconds", lag, "", ingest.registrar_lag()
    depth = ingest.quarantine_depth()
    for reason, (count, _age) in depth.items():
        text = "Objects that wait for a decision, by reason."
        yield "negatoscope_quarantine_objects", text, _labels(reason=reason), count
    for reason, (_count, age) in depth.items():
        text = "How long the oldest of them has waited."
        yield "negatoscope_quarantine_oldest_seconds", text, _labels(reason=reason), age
    for title, is_silent in ingest.silence().items():
        text = "Whether an application entity with an alarm has fallen silent."
        yield "negatoscope_sender_silent", text, _labels(ae_title=title), int(is_silent)


def _audit() -> Iterator[Sample]:
    text = "Audit events that wait on disk, because their table refused them."
    yield "negatoscope_audit_spooled_events", text, "", audit_spool.waiting()
    standings = [one for one in audit_forwarding.standings() if one.is_active]
    for one in standings:
        text = "Audit events that a receiver has not had yet."
        yield "negatoscope_audit_receiver_behind", text, _labels(receiver=one.name), one.behind
    for one in standings:
        text = "Whether a receiver of the audit takes nothing at the moment."
        yield "negatoscope_audit_receiver_failing", text, _labels(receiver=one.name), int(one.failing_since is not None)


def _storage() -> Iterator[Sample]:
    for tier in copies.waiting_copies():
        labels = _labels(tier=tier.tier)
        yield "negatoscope_copies_waiting", "Contents that wait for their copy, by tier.", labels, tier.count
    for tier in copies.waiting_copies():
        text = "How long the oldest of them has waited."
        yield "negatoscope_copies_oldest_seconds", text, _labels(tier=tier.tier), tier.age


def _labels(**labels: str) -> str:
    """Labels in the text format's own quoting."""
    quoted = (
        (name, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in quoted) + "}"
