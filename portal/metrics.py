"""What a monitoring system asks every minute, as Prometheus text. It names no patient, no study and no person.

Answered to the token of METRICS_TOKEN_FILE and to METRICS_ADDRESSES; for anybody else the address does not exist.
"""

import hmac
import ipaddress
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import addresses
from imaging.events import selectors as events
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
    for state, count in events.jobs_by_state().items():
        yield "negatoscope_jobs", "Background jobs by state.", f'{{state="{state}"}}', count
    yield "negatoscope_events_pending", "Events not drained yet.", "", events.pending_events()
    usage = shutil.disk_usage(environment.data_dir)
    yield "negatoscope_disk_free_bytes", "Free space on the disk of DATA_DIR.", "", usage.free
    yield "negatoscope_disk_total_bytes", "Size of the disk of DATA_DIR.", "", usage.total
    count, size = _weigh(environment.spool_dir)
    yield "negatoscope_spool_files", "Files in the spool: received, not registered yet.", "", count
    yield "negatoscope_spool_bytes", "Their size.", "", size


def _weigh(folder: Path) -> tuple[int, int]:
    count = size = 0
    for path in folder.rglob("*"):
        try:
            found = path.stat()
        except OSError:
            continue  # registered meanwhile
        if path.is_file():
            count, size = count + 1, size + found.st_size
    return count, size
