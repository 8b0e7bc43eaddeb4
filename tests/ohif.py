"""OHIF 3.13.2, the viewer that many hospitals have, as its makers ship it: fetched by npm, checked, and served before our DICOMweb.

Only its package is fetched, of which nothing is run but its pages in a browser, and none of what it depends on. npm keeps
it, so that the next time needs no network. With CI=1 it is a failure when it cannot be had; otherwise the test is skipped.
"""

import base64
import hashlib
import http.client
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

VERSION: Final = "3.13.2"
#: As the registry gave it when it was chosen; of the package's file.
INTEGRITY: Final = "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="

_FOLDER = Path(__file__).resolve().parents[1] / ".make" / f"ohif-{VERSION}"
_PACKAGE = _FOLDER.with_suffix(".tgz")
#: Not needed to read images: a network for segmentation of 136 MB, and maps for debuggers.
_LEFT_OUT: Final = ("/ort/", ".map")
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_POLICY: Final = "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:"
_CONFIGURATION: Final = b"""window.config = {
  routerBasename: null, extensions: [], modes: [], customizationService: {}, showStudyList: true,
  maxNumberOfWebWorkers: 2, showWarningMessageForCrossOrigin: false, showCPUFallbackMessage: false,
  showLoadingIndicator: true, strictZSpacingForVolumeViewport: true, defaultDataSourceName: 'ours',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'ours',
    configuration: {
      friendlyName: 'ours', name: 'ours', wadoUriRoot: '/dicom-web', qidoRoot: '/dicom-web', wadoRoot: '/dicom-web',
      qidoSupportsIncludeField: true, supportsFuzzyMatching: true, supportsWildcard: true, imageRendering: 'wadors',
      thumbnailRendering: 'wadors', enableStudyLazyLoad: true, omitQuotationForMultipartRequest: true,
      bulkDataURI: { enabled: true },
    },
  }],
};
"""


def dist() -> Path:
    """Return the folder with OHIF's pages; skip the test, or fail it under CI=1, when they cannot be had."""
    folder = _FOLDER / "package" / "dist"
    if not folder.is_dir():
        reason = _fetched()
        if reason and os.environ.get("CI"):
            pytest.fail(reason)
        if reason:
            pytest.skip(reason)
        _unpack()
    return folder


def _fetched() -> str:
    """Have npm bring the package, from its own cache if it is there; why not, or nothing."""
    _PACKAGE.parent.mkdir(exist_ok=True)
    if not _PACKAGE.is_file():
        npm = Path(sys.prefix) / "bin" / "npm"
        environment = {**os.environ, "PATH": os.pathsep.join([str(npm.parent), os.environ.get("PATH", "")])}
        command = [str(npm), "pack", f"@ohif/app@{VERSION}", "--prefer-offline", "--ignore-scripts", "--silent"]
        try:
            subprocess.run(
                command, cwd=_PACKAGE.parent, env=environment, check=True, capture_output=True, timeout=600, text=True
            )
            (_PACKAGE.parent / f"ohif-app-{VERSION}.tgz").replace(_PACKAGE)
        except (OSError, subprocess.SubprocessError) as error:
            return f"OHIF cannot be fetched by npm ({type(error).__name__}): is there a network?"
    digest = base64.b64encode(hashlib.sha512(_PACKAGE.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        _PACKAGE.unlink()
        pytest.fail("The package of OHIF is not the one that was chosen: its digest is another.")
    return ""


def _unpack() -> None:
    with tarfile.open(_PACKAGE) as archive:
        wanted = [entry for entry in archive if not any(part in entry.name for part in _LEFT_OUT)]
        archive.extractall(_FOLDER, members=wanted, filter="data")


class _Server(ThreadingHTTPServer):
    """OHIF at the root of its own port, and our DICOMweb behind it, signed in to with a machine's key."""

    daemon_threads = True

    def __init__(self, folder: Path, archive_port: int, key: str) -> None:
        self.folder, self.archive_port, self.key = folder, archive_port, key
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """Files, the first page for everything that is none, and what lies at /dicom-web/ from the archive."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/dicom-web/"):
            self._pass_on()
            return
        if path == "/app-config.js":
            self._send(200, {"Content-Type": _TYPES[".js"]}, _CONFIGURATION)
            return
        file = (self.server.folder / path.lstrip("/")).resolve()
        if not file.is_file() or self.server.folder.resolve() not in file.parents:
            file = self.server.folder / "index.html"
        kind = _TYPES.get(file.suffix, "application/octet-stream")
        # It reaches nobody but us: its fonts and workers that lie elsewhere stay away.
        self._send(200, {"Content-Type": kind, "Content-Security-Policy": _POLICY}, file.read_bytes())

    def _pass_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.archive_port, timeout=60)
        # The archive addresses bulk data by the host that it is asked at.
        headers = {"Authorization": f"Bearer {self.server.key}", "Host": f"localhost:{self.server.server_port}"}
        for name in ("Accept", "Accept-Encoding", "If-None-Match", "Range"):
            if value := self.headers.get(name):
                headers[name] = value
        with closing(connection):
            connection.request("GET", self.path, headers=headers)
            answer = connection.getresponse()
            passed = {
                name: value
                for name in ("Content-Type", "Content-Encoding", "ETag", "Cache-Control", "Warning", "Content-Range")
                if (value := answer.getheader(name))
            }
            body = answer.read()
        # A browser that was closed takes nothing any more.
        with suppress(ConnectionError):
            self._send(answer.status, passed, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: Any) -> None:
        """Say nothing."""


@contextmanager
def served(archive_port: int, key: str) -> Iterator[str]:
    """OHIF's address while it is served before the archive at ``archive_port``."""
    server = _Server(dist(), archive_port, key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)
