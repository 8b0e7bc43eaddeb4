"""A provider whose answers a test writes itself: for everything that an honest one would never say."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "negatoscope"


def new_key() -> rsa.RSAPrivateKey:
    """A key to sign with."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class CrookedProvider:
    """Says what it is told to say; `metadata` and `claims` change its documents, `answers` whole paths."""

    port: int
    key: rsa.RSAPrivateKey
    kid: str = "key-1"
    metadata: dict[str, Any] = field(default_factory=dict)
    id_token: str = ""
    userinfo: Any = None
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], dict[str, list[str]]]] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        """Its name."""
        return f"http://localhost:{self.port}"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of an ID token that nobody could object to; None takes one away."""
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "sub": "subject-1", "iat": now, "exp": now + 300, "auth_time": now}
        return {name: value for name, value in {**said, **changes}.items() if value is not None}

    def sign(self, claims: dict[str, Any], **options: Any) -> str:
        """Sign claims as this provider does."""
        headers = {"kid": self.kid, **options.pop("headers", {})}
        return jwt.encode(
            claims, options.pop("key", self.key), algorithm=options.pop("algorithm", "RS256"), headers=headers
        )

    def document(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """What lies at a path."""
        if path in self.answers:
            return self.answers[path]
        kind = {"Content-Type": "application/json"}
        if path == "/.well-known/openid-configuration":
            said = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "userinfo_endpoint": f"{self.issuer}/me",
                **self.metadata,
            }
            return 200, kind, json.dumps(said).encode()
        if path == "/jwks":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return 200, kind, json.dumps({"keys": [{**public, "kid": self.kid, "use": "sig"}]}).encode()
        if path == "/token":
            said = {"access_token": "an-access-token", "token_type": "Bearer", "id_token": self.id_token}
            return 200, kind, json.dumps(said).encode()
        if path == "/me" and isinstance(self.userinfo, str):
            return 200, {"Content-Type": "application/jwt"}, self.userinfo.encode()
        if path == "/me":
            return 200, kind, json.dumps(self.userinfo).encode()
        return 404, kind, b"{}"


@contextmanager
def running() -> Iterator[CrookedProvider]:
    """Run one on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.asked.append((self.path, headers, parse_qs(body.decode())))
            status, said, octets = found.document(self.path.partition("?")[0])
            self.send_response(status)
            for name, value in {**said, "Content-Length": str(len(octets))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = CrookedProvider(server.server_port, new_key())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
