"""The copier: from the landing tier to the stores where contents are to end, until it is told to stop."""

import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging.storage import copying, eviction, selectors, tiers
from imaging.storage.copier import TierCopier


class Command(BaseCommand):
    """Copy what was received to the object store."""

    # The checks would import every page, which this process never serves.
    requires_system_checks = ()
    help = (
        "Copies images from this machine to the object store that STORAGE_S3_ENDPOINT names, reads each of them back,"
        " and makes room here where STORAGE_LOCAL_KEEP says so. Several may run side by side."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and how long."""
        parser.add_argument("--once", action="store_true", help="Copy what waits now, make room, then end.")
        parser.add_argument(
            "--existing", action="store_true", help="Order copies of everything that is kept already, then end."
        )
        parser.add_argument("--json", action="store_true", help="Say what was done as JSON.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Work until SIGTERM, or once; then a copy that could not be made is an error."""
        if not tiers.copy_tiers():
            raise CommandError("No object store is configured: STORAGE_S3_ENDPOINT is not set (docs/storage.md).")
        if options["existing"]:
            looked_at = sum(copying.order_existing())
            self._say(options["json"], f"{looked_at} contents looked at; what is missing is ordered.", looked_at)
        elif options["once"]:
            self._once(as_json=options["json"])
        else:
            _run()

    def _once(self, *, as_json: bool) -> None:
        keep = settings.STORAGE_LOCAL_KEEP
        for tier in tiers.copy_tiers():
            TierCopier(tier, threads=settings.STORAGE_COPY_THREADS).drain()
        left = eviction.make_room(keep) if keep is not None else 0
        waiting = selectors.waiting_copies()
        count = sum(entry.count for entry in waiting)
        self._say(as_json, f"{count} copies still wait; {left} local copies have left.", 0, left=left)
        if count:
            raise CommandError(f"{count} copies could not be made: {_reasons()}.")

    def _say(self, as_json: bool, sentence: str, looked_at: int, *, left: int = 0) -> None:
        if not as_json:
            self.stdout.write(sentence)
            return
        waiting = [{**asdict(entry), "oldest_at": str(entry.oldest_at or "")} for entry in selectors.waiting_copies()]
        self.stdout.write(json.dumps({"looked_at": looked_at, "left": left, "waiting": waiting}))


def _reasons() -> str:
    reasons = (f"{entry.tier}: {entry.problem or 'waiting'}" for entry in selectors.waiting_copies() if entry.count)
    return ", ".join(reasons)


def _run() -> None:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    copiers = [TierCopier(tier, threads=settings.STORAGE_COPY_THREADS) for tier in tiers.copy_tiers()]
    ended: list[bool] = []
    threads = [
        threading.Thread(target=lambda copier=copier: ended.append(copier.run(stopping)), name="copier", daemon=True)
        for copier in copiers
    ]
    if settings.STORAGE_LOCAL_KEEP is not None:
        evict = partial(eviction.run, settings.STORAGE_LOCAL_KEEP, stopping)
        threads.append(threading.Thread(target=evict, name="make room", daemon=True))
    for thread in threads:
        thread.start()
    # A thread that dies takes the process with it: the supervisor starts another one and says so.
    while not stopping.wait(1.0):
        if not all(thread.is_alive() for thread in threads):
            sys.stderr.write("A thread of the copier has died.\n")
            os._exit(1)
    for thread in threads:
        thread.join(6.0)
    if ended.count(True) < len(copiers):
        # An upload to a store that does not answer would hold up the end; its order was given back.
        sys.stdout.flush()
        os._exit(0)
