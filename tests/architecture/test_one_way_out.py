"""Other systems are called by `accounts/outbound` alone: no other module of ours can speak HTTP, or open a connection.

What speaks another protocol to an address of the deployment's own configuration is listed with its reason.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SPEAKS_HTTP = {
    *("requests", "urllib.request", "urllib3", "httpx", "httpcore", "http.client", "aiohttp", "pycurl", "treq"),
    *("ftplib", "telnetlib", "xmlrpc.client", "imaplib", "poplib", "nntplib", "websockets", "websocket"),
}
MAY_SPEAK_HTTP = {
    "accounts/outbound/services.py": "the one way out",
    "portal/serve/table.py": "the supervisor asks its own web server whether it lives",
}

#: `socket` and `asyncio` streams, which anything could be spoken over.
CONNECTS = {"socket", "asyncio", "ssl"}
MAY_CONNECT = {
    "accounts/outbound/models.py": "reads certificates",
    "accounts/outbound/services.py": "the one way out",
    "accounts/outbound/lines.py": "the one way out, for what is no HTTP",
    "accounts/audit/syslog_connection.py": "sends the audit's copy to a listed receiver, over TLS, at an address that was checked",
    "portal/unread_answers.py": "sets a limit on the web server's own socket",
    "imaging/ingest/media/scanning.py": "asks the optional virus scanner of this machine, over its unix socket",
    "accounts/federation/ldap.py": "tells the optional directory's library which TLS it may speak",
}
LOCAL = {
    "decoder pool": "imaging/rendering/",
    "DICOM network, to listed peers": "imaging/dimse/",
    "the HL7 listener, which calls nobody": "imaging/ehr/listener.py",
    "the supervisor and its sockets": "portal/serve/",
    "embedded servers on unix sockets": "portal/embedded/",
}


def imports(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, dotted names of members too."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def modules() -> Iterator[tuple[str, set[str]]]:
    """Yield every module of ours with what it imports."""
    for package in ("accounts", "imaging", "portal"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), set(imports(path))


def test_one_module_alone_speaks_http_to_others() -> None:
    offenders = {
        where: sorted(found & SPEAKS_HTTP)
        for where, found in modules()
        if found & SPEAKS_HTTP and where not in MAY_SPEAK_HTTP
    }
    assert not offenders, f"Call other systems through accounts/outbound: {offenders}"


def test_nothing_else_opens_connections() -> None:
    offenders = {
        where: sorted(found & CONNECTS)
        for where, found in modules()
        if found & CONNECTS and where not in MAY_CONNECT and not where.startswith(tuple(LOCAL.values()))
    }
    assert not offenders, f"Say here why this opens a connection, and to whom: {offenders}"


def test_the_lists_name_nothing_that_is_gone() -> None:
    known = dict(modules())
    assert {*MAY_SPEAK_HTTP, *MAY_CONNECT} <= set(known)
