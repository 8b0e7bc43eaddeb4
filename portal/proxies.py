"""What a front server adds to a request is believed only when the front server itself sent it."""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from typing import Any

WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]

#: Headers that say who the client was and how it came; anybody can write them.
_HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)


class ForwardedHeaders:
    """Drops those headers from every connection that does not come from one of the `trusted` addresses or networks."""

    def __init__(self, application: WsgiApplication, trusted: Sequence[str]) -> None:
        self._application = application
        self._networks = [ipaddress.ip_network(network, strict=False) for network in trusted]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if not self._is_trusted(environ.get("REMOTE_ADDR", "")):
            for name in _HEADERS:
                environ.pop(name, None)
        return self._application(environ, start_response)

    def _is_trusted(self, address: str) -> bool:
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self._networks)
