"""Why a call was not made, or got no answer."""


class OutboundError(Exception):
    """Base of both. ``code`` is short and stable; nothing of the answer's content is in it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Refused(OutboundError):
    """Our own rules forbid the call: trying again changes nothing until an administrator does.

    Codes: ``not_an_address``, ``not_https``, ``host_not_listed``, ``address_not_allowed``.
    """


class Failed(OutboundError):
    """The call was made, or tried, without success. It may be tried again.

    Codes: ``no_such_host``, ``no_connection``, ``not_trusted`` (TLS), ``took_too_long``, ``broken_answer``, ``redirected``.
    """
