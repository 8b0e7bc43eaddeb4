"""Where the embedded servers keep their files, and the folders that only we may enter.

A folder that we make is 0700. A folder that exists is checked, never changed: one with another owner, a symbolic link
or an open mode is refused.
"""

import hashlib
import importlib.util
import os
import stat
from pathlib import Path

#: A unix socket's path must fit `sockaddr_un.sun_path` (108 bytes with the final zero).
SOCKET_PATH_LIMIT = 107

#: Where sockets lie when DATA_DIR is deep; `private_folder` makes sure that what lies there is ours.
SHORT = Path("/tmp")  # noqa: S108

#: Where root keeps a cluster that runs as `nobody`, when user namespaces are forbidden.
FALLBACK = Path("/var/lib/negatoscope")

#: The longest name that we put into a socket folder, with room to spare: ".s.PGSQL.5432.lock" is not bound,
#: "decoder.sock" is.
_LONGEST_NAME = 24


class Refused(Exception):
    """A server or folder cannot be used. The text is one sentence for the person at the console."""


def digest(data_dir: Path) -> str:
    """A short name for a data folder, the same at each start."""
    return hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]


def private_folder(folder: Path) -> Path:
    """Make `folder` with mode 0700, or check that the one that is there belongs to us alone. Raises Refused."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise Refused(
            f"The folder {folder} cannot be made ({error.strerror}): give this account the right to write there, or"
            " set DATA_DIR."
        ) from None
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise Refused(f"{folder} is not a folder: remove it, or set DATA_DIR to another place.")
    if found.st_uid != os.geteuid():
        raise Refused(
            f"The folder {folder} belongs to user number {found.st_uid}, not to this one ({os.geteuid()}): start as"
            " that user, or set DATA_DIR to another place."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise Refused(f"The folder {folder} can be entered by other accounts: close it with `chmod 700 {folder}`.")
    return folder


def data_folder(data_dir: Path) -> Path:
    """Make DATA_DIR (0700) where it is missing; one that exists keeps its mode, since it may be a mounted volume.

    Raises Refused.
    """
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        data_dir.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"DATA_DIR {data_dir} cannot be made ({error.strerror}): give this account the right to write there, or"
            " set DATA_DIR."
        ) from None
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise Refused(
            f"DATA_DIR {data_dir} cannot be written by this account: give it the right, or set DATA_DIR to another"
            " place."
        )
    return data_dir


def subfolder(data_dir: Path, name: str) -> Path:
    """The private folder `name` in DATA_DIR. Raises Refused."""
    return private_folder(data_folder(data_dir) / name)


def sockets_folder(data_dir: Path) -> Path:
    """The folder of the unix sockets: DATA_DIR/run, or a short one below /tmp where that path is too long for them.

    Only computes: `make_sockets_folder` makes it. The temporary folder is not taken from TMPDIR, which may differ
    from process to process.
    """
    folder = data_dir.absolute() / "run"
    if len(os.fsencode(folder)) + 1 + _LONGEST_NAME <= SOCKET_PATH_LIMIT:
        return folder
    return SHORT / f"negatoscope-{os.geteuid()}-{digest(data_dir)}"


def postgres_home(data_dir: Path) -> Path:
    """The folder whose `postgres` is the cluster: DATA_DIR, or root's fallback that belongs to `nobody` (`account`)."""
    fallback = FALLBACK / digest(data_dir)
    return fallback if os.geteuid() == 0 and fallback.is_dir() else data_dir


def postgres_sockets_folder(data_dir: Path) -> Path:
    """The folder of PostgreSQL's socket."""
    home = postgres_home(data_dir)
    return sockets_folder(data_dir) if home == data_dir else home / "run"


def make_sockets_folder(data_dir: Path) -> Path:
    """Make and check the folder of the sockets. Raises Refused."""
    data_folder(data_dir)
    return private_folder(sockets_folder(data_dir))


def socket(data_dir: Path, name: str) -> Path:
    """The path of one of our sockets."""
    return sockets_folder(data_dir) / name


def wheel_folder(package: str) -> Path:
    """Where a package of a wheel lies, found without importing it (the packages' own start code is not wanted).

    Raises Refused.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Refused(f"The Python package {package} is not installed: run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations)))
