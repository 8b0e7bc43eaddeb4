"""How variables are read: the `.env` file, and one clear sentence for each value that cannot be used."""

import os
import re
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


class Misconfigured(ImproperlyConfigured):
    """The environment cannot be used. `sentences` has one clear sentence for each thing to put right."""

    def __init__(self, sentences: list[str]) -> None:
        """Keep the sentences; the exception's text is all of them, a line each."""
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def reserve_bytes(reserve: str, total: int) -> int:
    """The bytes of a disk of `total` bytes that are kept free, for a reserve such as "5%", "20G" or "1073741824".

    Raises ValueError when the text is neither.
    """
    text = reserve.strip().upper()
    share = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text)
    if share:
        percent = float(share[1])
        if percent >= 100:
            raise ValueError(reserve)
        return int(total * percent / 100)
    size = re.fullmatch(r"(\d+)\s*([KMGT]?)(?:I?B)?", text)
    if size:
        return int(size[1]) * _UNITS[size[2]]
    raise ValueError(reserve)


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a `.env` file: lines NAME=value, quotes as in a shell, `#` comments; nothing is executed."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    variables = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip().removeprefix("export ").strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            raise Misconfigured(
                [f"Line {number} of {path} is not of the form NAME=value: correct it or put a # before it."]
            )
        try:
            variables[name.strip()] = " ".join(shlex.split(value, comments=True))
        except ValueError:
            raise Misconfigured([f"Line {number} of {path} has a quote that is not closed."]) from None
    return variables


def who_else_reads(path: Path) -> str:
    """Say who besides this account may read or write a file with a secret; nothing when it is nobody.

    A file of another owner that is open to our group for reading is how containers and systemd hand secrets over.
    """
    found = path.stat()
    if found.st_mode & stat.S_IRWXO:
        return "every account of this machine"
    is_handed_over = found.st_uid != os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IXGRP)
    if found.st_mode & stat.S_IRWXG and not is_handed_over:
        return "the accounts of its group"
    return ""


class Reader:
    """Takes variables out of a mapping and collects a sentence for each that cannot be used."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Read from `variables`; `sentences` grows with what is wrong."""
        self.variables = variables
        self.sentences: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """The stripped text of a variable, or its default where it is empty."""
        return self.variables.get(name, "").strip() or default

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """A whole number within bounds."""
        text = self.text(name, str(default))
        if text.isascii() and text.isdigit() and lowest <= int(text) <= highest:
            return int(text)
        self.sentences.append(f"{name}={text!r} is not a whole number from {lowest} to {highest}.")
        return default

    def port(self, name: str, default: int) -> int:
        """A TCP port."""
        return self.number(name, default, 1, 65535)

    def path(self, name: str) -> Path | None:
        """An absolute path (a relative one starts at the project folder), or None where it is not set."""
        text = self.text(name)
        return (BASE_DIR / Path(text).expanduser()).absolute() if text else None

    def readable(self, name: str) -> Path | None:
        """A file that this account can read, or None where the variable is not set."""
        path = self.path(name)
        if path is not None and not (path.is_file() and os.access(path, os.R_OK)):
            self.sentences.append(f"{name} names {path}, which cannot be read.")
        return path

    def items(self, name: str) -> tuple[str, ...]:
        """The parts of a list written with commas or spaces."""
        return tuple(item for item in re.split(r"[\s,]+", self.text(name)) if item)

    def required(self, name: str, purpose: str) -> str:
        """The text of a variable that production cannot do without."""
        text = self.text(name)
        if not text:
            self.sentences.append(f"{name} is not set: production needs {purpose}.")
        return text

    def file(self, name: str) -> str:
        """The stripped contents of the file that a variable names, or nothing."""
        path = self.path(name)
        if path is None:
            return ""
        try:
            contents = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            self.sentences.append(f"{name} names {path}, which cannot be read ({reason}).")
            return ""
        if not contents:
            self.sentences.append(f"{name} names {path}, which is empty.")
        return contents

    def secret_file(self, name: str) -> str:
        """The stripped contents of a file with a secret, which nobody else may read; or nothing, and a sentence."""
        contents = self.file(name)
        path = self.path(name)
        if contents and path is not None and (others := who_else_reads(path)):
            self.sentences.append(f"{name} names {path}, which can be read by {others}: chmod 600 {path}.")
        return contents
