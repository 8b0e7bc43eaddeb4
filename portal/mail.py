"""How mail leaves: EMAIL_URL in Django's terms."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portal.variables import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """How mail leaves, in Django's terms."""

    backend: str
    sender: str
    file_path: Path
    host: str = ""
    port: int = 25
    user: str = ""
    password: str = field(default="", repr=False)
    use_tls: bool = False
    use_ssl: bool = False


def read(reader: Reader, *, needed: bool, folder: Path, public_url: str) -> Mail:
    """The mail server of EMAIL_URL; where it is not set and not `needed`, mail is written to `folder`."""
    url = reader.text("EMAIL_URL")
    sender = reader.text("EMAIL_FROM", f"negatoscope@{urlsplit(public_url).hostname or 'localhost'}")
    if not url:
        if needed:
            reader.required(
                "EMAIL_URL",
                "the mail server, such as smtp://user:password@mail.example.org:587",
            )
        return Mail(
            backend="django.core.mail.backends.filebased.EmailBackend",
            sender=sender,
            file_path=folder,
        )
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        reader.sentences.append(
            "EMAIL_URL is not of the form smtp://user:password@host:587 or smtps://user:password@host:465."
        )
    secure = parts.scheme == "smtps"
    return Mail(
        backend="django.core.mail.backends.smtp.EmailBackend",
        sender=sender,
        file_path=folder,
        host=parts.hostname or "",
        port=parts.port or (465 if secure else 587),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_ssl=secure,
        # Port 25 is the relay inside the house, which often speaks no TLS.
        use_tls=not secure and parts.port != 25,
    )
