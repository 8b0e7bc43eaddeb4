"""How much may still be written to a disk: the reserve that an administrator set is never touched (DESIGN 4.2)."""

import os
from collections.abc import Callable
from pathlib import Path


def room(folder: Path, reserve: Callable[[int], int]) -> int:
    """Bytes free on the disk of ``folder`` over the reserve, which is asked for with the disk's size; negative below it."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize - reserve(disk.f_blocks * disk.f_frsize)
