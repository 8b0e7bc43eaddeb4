"""Calling another system: a request or several, to a listed host, at an address that was checked and is the one connected to."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import certifi
import httpcore

from accounts.outbound import policies, selectors
from accounts.outbound.errors import Failed, Refused
from accounts.outbound.policies import Target

#: Seconds for the whole call, and bytes of an answer that are read at most.
PATIENCE: Final = 20.0
MOST_OCTETS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``body`` is cut at the limit that the caller gave."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Clock:
    """The moment at which the request under way has to be over, of the monotonic clock."""

    ends: float = 0.0

    def left(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        """Seconds that the next step may take. Raises ``late`` when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise late
        return left if timeout is None else min(timeout, left)


class _Pinned(httpcore.SyncBackend):
    """Resolves the host, checks every address against the row, and connects to one that was checked.

    Resolving and connecting are one step, so that a name cannot mean one thing to the check and another to the call.
    """

    def __init__(self, networks: Sequence[str], *, encrypted: bool, clock: _Clock) -> None:
        super().__init__()
        self._networks = networks
        self._encrypted = encrypted
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers; none is tried unless all may be called."""
        last: Exception = httpcore.ConnectError()
        for address in checked_addresses(host, port, networks=self._networks, encrypted=self._encrypted):
            try:
                step = self._clock.left(timeout, httpcore.ConnectTimeout)
                stream = super().connect_tcp(address, port, step, local_address, socket_options)
                return _Hurried(stream, self._clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last


class _Hurried(httpcore.NetworkStream):
    """A connection that ends at a moment: an answer that drips, byte after byte, would outlast any limit of one reading."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what there is; raises ``httpcore.ReadTimeout`` when the time is over."""
        return self._stream.read(max_bytes, self._clock.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it; raises ``httpcore.WriteTimeout`` when the time is over."""
        self._stream.write(buffer, self._clock.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Shake hands; the connection ends at the same moment."""
        step = self._clock.left(timeout, httpcore.ConnectTimeout)
        return _Hurried(self._stream.start_tls(ssl_context, server_hostname, step), self._clock)

    def get_extra_info(self, info: str) -> Any:
        """What the connection tells of itself."""
        return self._stream.get_extra_info(info)


def checked_addresses(host: str, port: int, *, networks: Sequence[str], encrypted: bool) -> list[str]:
    """Return up to four addresses to which the name leads now. Raises ``Refused`` unless all may be called, ``Failed`` without any."""
    return _checked(host, port, lambda address: policies.is_allowed(address, networks=networks, encrypted=encrypted))


def private_addresses(host: str, port: int, *, networks: Sequence[str]) -> list[str]:
    """As ``checked_addresses``, for a protocol that the hospital's own network carries in the clear: listed addresses alone."""
    return _checked(host, port, lambda address: policies.is_within(address, networks))


def _checked(host: str, port: int, may_be_called: Callable[[str], bool]) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Failed("no_such_host") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(may_be_called(entry) for entry in addresses):
        raise Refused("address_not_allowed")
    return addresses[:4]


class Connection:
    """A connection to one listed host, kept open between requests."""

    def __init__(self, pool: httpcore.ConnectionPool, target: Target, clock: _Clock) -> None:
        self._pool = pool
        self._target = target
        self._clock = clock

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Iterator[bytes] = b"",
        headers: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
        step: float = 10.0,
        most_octets: int = MOST_OCTETS,
    ) -> Answer:
        """Make one request for ``path``, query included; a body in pieces needs its ``Content-Length``, and is never held whole.

        ``patience`` is in seconds, for everything together, ``step`` for each reading and writing. Raises ``Refused``,
        ``Failed``, and what reading the body raises.
        """
        self._clock.ends = time.monotonic() + patience
        within = min(step, patience)
        timeouts = {"connect": within, "read": within, "write": within, "pool": within}
        target = self._target
        try:
            with self._pool.stream(
                method,
                httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=path),
                headers=[("Host", _host(target)), ("User-Agent", "Negatoscope"), *(headers or {}).items()],
                content=body,
                extensions={"timeout": timeouts},
            ) as response:
                return _answer(response, most_octets=most_octets)
        except httpcore.TimeoutException as error:
            raise Failed("took_too_long") from error
        except httpcore.ConnectError as error:
            untrusted = any(isinstance(reason, ssl.SSLError) for reason in error.args)
            raise Failed("not_trusted" if untrusted else "no_connection") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
            raise Failed("broken_answer") from error


@contextmanager
def connected(address: str, *, keeps: bool = True) -> Iterator[Connection]:
    """Open a connection to the host of an address, kept for the next request with ``keeps``. Raises ``Refused``.

    Redirects are not followed, proxies and credentials of the environment not used.
    """
    target, row = selectors.listed(address)
    clock = _Clock()
    pool = httpcore.ConnectionPool(
        ssl_context=trust(row.certificates),
        network_backend=_Pinned(row.networks, encrypted=target.is_encrypted, clock=clock),
        max_connections=1,
        max_keepalive_connections=1 if keeps else 0,
    )
    with pool:
        yield Connection(pool, target, clock)


def send(
    method: str,
    address: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
    most_octets: int = MOST_OCTETS,
) -> Answer:
    """Make one request, on a connection of its own.

    ``patience`` is in seconds, for everything together. Raises ``Refused`` (our rules) or ``Failed`` (the network, TLS, time).
    """
    with connected(address, keeps=False) as connection:
        path = policies.target_of(address).path
        return connection.send(method, path, body=body, headers=headers, patience=patience, most_octets=most_octets)


def _answer(response: httpcore.Response, *, most_octets: int) -> Answer:
    if 300 <= response.status < 400:
        raise Failed("redirected")
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk[: most_octets - len(content)]
        if len(content) >= most_octets:
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(response.status, headers, bytes(content))


def _host(target: Target) -> str:
    default = 443 if target.is_encrypted else 80
    return target.host if target.port == default else f"{target.host}:{target.port}"


def trust(certificates: str) -> ssl.SSLContext:
    """The usual authorities, and the hospital's own, in PEM, if there are any.

    Made by hand: `ssl.create_default_context` would write the keys of every call to the file that `SSLKEYLOGFILE` names.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cafile=certifi.where())
    if certificates:
        context.load_verify_locations(cadata=certificates)
    return context
