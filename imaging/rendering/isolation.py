"""What a decoder child may not do: no network, bounded memory, CPU and files, no privileges (Linux; best effort, told).

A decoder reads hostile bytes with C code. Whatever goes wrong in there must cost one image and reach nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_NOBODY = 65534
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one child. Sizes in bytes, times in seconds; memory is counted on top of what a fresh child uses."""

    memory: int = 2 * 1024**3
    cpu: int = 20
    wall: float = 30.0
    conversion_wall: float = 3600.0
    pictures: int = 500
    open_files: int = 64


def leave_network() -> bool:
    """Move this process into a network namespace without any interface. False where the system forbids it.

    Sockets named by a path still work, so clients reach us. Call it before any thread or child is started.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        return bool(_libc.unshare(_CLONE_NEWNET) == 0)
    if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    with contextlib.suppress(OSError):  # without a map we would be nobody in name, but keep our rights to files
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    return True


def die_with_parent() -> None:
    """Be killed when the parent dies, however it dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def confine(limits: Limits) -> None:
    """Give up privileges and take on limits; called once in each child."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii")
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    die_with_parent()
    memory = _virtual_size() + limits.memory
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files))


def allow_cpu(seconds: int) -> None:
    """Let this process use that much more CPU time; SIGXCPU kills it afterwards."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _virtual_size() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")
