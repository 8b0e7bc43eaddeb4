"""Every door of a running portal, used as its own users do: a modality, a machine, a person with a browser, a command."""

import base64
import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from pydicom import dcmread

from tests.journeys.running_portal import ROOT, Answer, Browser, RunningPortal, until

_TUS = "1.0.0"


def stow(portal: RunningPortal, contents: Iterable[bytes], *, study_uid: str = "") -> Answer:
    """Store by STOW-RS with the demo's machine key."""
    boundary = "journey-boundary"
    parts = [
        f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + content + b"\r\n" for content in contents
    ]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return post_stow(
        portal, body, content_type=f'multipart/related; type="application/dicom"; boundary={boundary}', path=study_uid
    )


def post_stow(portal: RunningPortal, body: bytes, *, content_type: str, path: str = "") -> Answer:
    """Post any body to the store transaction."""
    headers = {
        "Authorization": f"Bearer {portal.machine_key()}",
        "Content-Type": content_type,
        "Accept": "application/dicom+json",
    }
    address = "/dicom-web/studies" + (f"/{path}" if path else "")
    return Browser(portal.url).send("POST", address, body, **headers)


def study_uid(path: Path) -> str:
    """The study of a file."""
    return str(dcmread(path, specific_tags=["StudyInstanceUID"]).StudyInstanceUID)


def stored_by_stow(answer: Answer) -> set[str]:
    """SOP Instance UIDs that a store response names as stored."""
    found = json.loads(answer.body).get("00081199", {}).get("Value", [])
    return {entry["00081155"]["Value"][0] for entry in found}


def ingest(portal: RunningPortal, *paths: Path, department: str = "emergency") -> "subprocess.CompletedProcess[str]":
    """Run `manage.py ingest` as an administrator of this portal would."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "CACHE_URL", "DJANGO_SETTINGS_MODULE"}
    }
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        "ingest",
        *map(str, paths),
        "--department",
        department,
        "--json",
    ]
    environment = {
        **inherited,
        "ENV_FILE": "",
        "PORTAL_MODE": "demo",
        "DATA_DIR": str(portal.data_dir),
        "SPOOL_RESERVE": "1%",
        **portal.environment,
    }
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


@dataclass
class _Form(HTMLParser):
    """What a browser would send of the form whose action ends with ``action``, untouched by the person."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    _inside: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self._inside = (values.get("action") or "").endswith(self.action)
        if not self._inside or tag != "input" or not values.get("name"):
            return
        if values.get("type") in {"radio", "checkbox"} and "checked" not in values:
            return
        self.fields.append((values["name"] or "", values.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


class Desk:
    """A person who brings files in by the import page, as its script does."""

    def __init__(self, portal: RunningPortal, username: str = "emergency") -> None:
        self.browser = portal.sign_in(username)
        page = self.browser.get("/import/").text
        token = re.search(r'data-csrf="([^"]+)"', page)
        assert token, page[:500]
        self._token = token[1]
        found = _Departments()
        found.feed(page)
        #: The key of the department that the page offers first.
        self.department = found.keys[0]

    def _headers(self, **more: str) -> dict[str, str]:
        return {"X-CSRFToken": self._token, "Referer": self.browser.url + "/import/", **more}

    def begin(self, title: str) -> str:
        """Begin an import; its key."""
        body = urllib.parse.urlencode({"department": self.department, "title": title}).encode()
        answer = self.browser.send(
            "POST", "/import/begin", body, **self._headers(**{"Content-Type": "application/x-www-form-urlencoded"})
        )
        assert answer.status == 201, answer.text
        return str(json.loads(answer.body)["import"])

    def send_file(self, key: str, name: str, content: bytes) -> Answer:
        """One file by one request (creation-with-upload)."""
        said = {"import": key, "filename": name, "fingerprint": f"{name}-{len(content)}"[:100]}
        metadata = ",".join(f"{field} {base64.b64encode(value.encode()).decode()}" for field, value in said.items())
        headers = {
            "Tus-Resumable": _TUS,
            "Upload-Length": str(len(content)),
            "Upload-Metadata": metadata,
            "Content-Type": "application/offset+octet-stream",
        }
        return self.browser.send("POST", "/import/tus/", content, **self._headers(**headers))

    def finish(self, key: str, count: int) -> Answer:
        """Say that this was all."""
        body = urllib.parse.urlencode({"files": count}).encode()
        return self.browser.send(
            "POST",
            f"/import/{key}/received",
            body,
            **self._headers(**{"Content-Type": "application/x-www-form-urlencoded"}),
        )

    def bring(self, files: Mapping[str, bytes], *, title: str = "Journey") -> str:
        """Bring these files in, up to the question who the patient is; the key of the import."""
        key = self.begin(title)
        for name, content in files.items():
            answer = self.send_file(key, name, content)
            assert answer.status == 201, answer.text
        answer = self.finish(key, len(files))
        assert answer.status == 200, answer.text
        return key

    def page(self, key: str) -> str:
        """The import's page."""
        answer = self.browser.get(f"/import/{key}/")
        assert answer.status == 200, answer.text[:500]
        return answer.text

    def examined(self, key: str, *, seconds: float = 60) -> str:
        """The page once the files have been read."""
        until(lambda: "/progress" not in self.page(key), seconds=seconds, what="the import is not examined")
        return self.page(key)

    def confirm(self, key: str, *, seconds: float = 120) -> str:
        """Accept what the page suggests, and wait for the results."""
        form = _Form("/confirm")
        form.feed(self.examined(key))
        body = urllib.parse.urlencode(form.fields).encode()
        answer = self.browser.send(
            "POST",
            f"/import/{key}/confirm",
            body,
            **self._headers(**{"Content-Type": "application/x-www-form-urlencoded"}),
        )
        assert answer.status == 200, answer.text[:3000]
        return self.examined(key, seconds=seconds)


class _Departments(HTMLParser):
    """The departments that the upload page offers."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []
        self._select = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "select":
            self._select = values.get("name") == "department"
        is_hidden = tag == "input" and values.get("name") == "department"
        if values.get("value") and (is_hidden or (tag == "option" and self._select)):
            self.keys.append(values["value"] or "")
