"""Headers that a front server adds are believed from the front server only."""

from typing import Any

from portal.proxies import ForwardedHeaders


def seen(trusted: list[str], address: str) -> dict[str, Any]:
    passed: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        passed.update(environ)
        return []

    environ = {"REMOTE_ADDR": address, "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    ForwardedHeaders(application, trusted)(environ, None)
    return passed


def test_a_front_server_is_believed() -> None:
    assert seen(["10.0.0.0/24"], "10.0.0.7")["HTTP_X_FORWARDED_PROTO"] == "https"


def test_nobody_else_is() -> None:
    assert "HTTP_X_FORWARDED_PROTO" not in seen(["10.0.0.0/24"], "10.0.1.7")
    assert "HTTP_X_FORWARDED_FOR" not in seen([], "10.0.0.7")
    assert "HTTP_X_FORWARDED_FOR" not in seen(["10.0.0.0/24"], "")
