"""The help: short texts in `docs/help/<language>/<topic>.md`, one for every kind of page, made into safe markup.

The texts are ours and lie beside the program; they are read as Markdown without HTML and without pictures all the same. In
them **bold** is a word on the screen, `code` a key, and a link names another text of the same folder.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from markdown_it import MarkdownIt
from markdown_it.token import Token

from accounts.admin_rooms import Room, room_of

#: In the order in which they are listed. The first is for pages without a text of their own.
TOPICS: Final = (
    *("start", "studies", "lists", "study", "viewer", "documents", "headers"),
    *("requesting", "vetting", "reading", "reports", "critical"),
    *("upload", "import", "wrap", "quarantine", "conflicts", "repair", "reconciliation"),
    *("sharing", "collections", "partners", "records", "access", "emergency", "privacy", "notifications", "account"),
    "figures",
    *("administration", "people", "machines"),
)
#: Which text helps on which page, by the name of the route.
OF_PAGES: Final = {
    "viewer:study-list": "studies",
    "viewer:list-selected": "studies",
    "viewer:lists": "lists",
    "viewer:study": "study",
    "viewer:study-why": "study",
    **{f"viewer:download-{what}": "study" for what in ("studies", "study", "series", "image", "clean")},
    "viewer:viewer": "viewer",
    "viewer:document": "documents",
    "viewer:headers": "headers",
    "viewer:wrap": "wrap",
    **{f"orders:{page}": "requesting" for page in ("requests", "new", "edit", "request", "slip", "write", "attach")},
    **{
        f"orders:{page}": "vetting"
        for page in ("vetting", "vetting-one", "schedule", "schedule-one", "exams", "exams-why")
    },
    **{f"reports:{page}": "reports" for page in ("write", "report", "report-version", "sign", "templates")},
    **{f"reports:{page}": "reports" for page in ("template", "template-new", "macro-keep")},
    **{f"reports:reading{page}": "reading" for page in ("", "-choices")},
    **{f"reports:critical{page}": "critical" for page in ("", "-list", "-raise")},
    **{f"sharing:{page}": "sharing" for page in ("new", "mine", "find", "share", "renew", "health-link", "copy")},
    "viewer:share-preview": "sharing",
    **{f"ehr:{page}": "studies" for page in ("invoke", "resume")},
    **{f"collections:{page}": "collections" for page in ("mine", "find", "new", "choose", "collection", "edit")},
    **{f"collections:{page}": "collections" for page in ("members", "paste", "comments")},
    **{f"sharing:transfer{page}": "partners" for page in ("", "s", "-new", "-stop", "-decide")},
    **dict.fromkeys(("sharing:record-new", "viewer:record-preview"), "records"),
    "ingest:uploads": "upload",
    **dict.fromkeys(("ingest:import", "ingest:inbox"), "import"),
    **{f"ingest:quarantine{step}": "quarantine" for step in ("", "-decisions", "-decision")},
    "ingest:quarantined": "quarantine",
    "ingest:conflicts": "conflicts",
    "ingest:conflict": "conflicts",
    **{f"ingest:repair{page}": "repair" for page in ("", "s", "-preview", "-do")},
    **{f"orders:reconcile{page}": "reconciliation" for page in ("", "-study", "-request")},
    **{f"access:{page}": "access" for page in ("mine", "ask", "desk", "request", "decide", "renew", "words")},
    **{f"access:emergency{page}": "emergency" for page in ("", "-opened", "-reviews", "-review")},
    **{f"privacy:{page}": "privacy" for page in ("home", "find", "patient", "letter", "choices", "corrections")},
    **{f"privacy:{page}": "privacy" for page in ("requests", "request", "request-new", "request-staff")},
    **{f"privacy:{page}": "privacy" for page in ("seen", "breaches", "breach", "reviews")},
    **{f"accounts:{page}": "account" for page in ("security", "add-passkey", "rename-passkey", "make-codes")},
    "notifications:list": "notifications",
    "accounts:notification-preferences": "notifications",
    "figures:figures": "figures",
    "account_change_password": "account",
    "federation:identities": "account",
}
#: The same for the pages of the administration, by the room in which they stand.
OF_ROOMS: Final = {Room.PEOPLE: "people", Room.MACHINES: "machines"}
#: For the administration's other pages. These texts are offered to those who may open it.
ADMINISTRATION: Final = "administration"
FOR_STAFF: Final = frozenset({ADMINISTRATION, *OF_ROOMS.values()})
FOLDER: Final = Path(settings.BASE_DIR) / "docs" / "help"
_LINK: Final = re.compile(r"([a-z]+)\.md")


@dataclass(frozen=True, slots=True)
class Text:
    """One text, ready to be shown: its heading and its markup without it."""

    topic: str
    title: str
    body: SafeString


def text_of(topic: str) -> Text:
    """Return a text of `TOPICS` in the reader's language, English where there is none in it."""
    language = (get_language() or "en").partition("-")[0]
    path = FOLDER / language / f"{topic}.md"
    if not path.is_file():
        path = FOLDER / "en" / f"{topic}.md"
    return _read(path, path.stat().st_mtime_ns)


def on_page(request: HttpRequest) -> dict[str, object]:
    """Give every template `help_address`, the address of the help of the page that is shown."""
    return {"help_address": SimpleLazyObject(lambda: reverse("viewer:help", args=[_topic_of(request)]))}


def _topic_of(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None:
        return TOPICS[0]
    if match.namespace == "admin":
        room = _room_of(match.url_name or "")
        return OF_ROOMS.get(room, ADMINISTRATION) if room else ADMINISTRATION
    return (
        str(match.kwargs.get("topic", TOPICS[0]))
        if match.url_name == "help"
        else OF_PAGES.get(match.view_name, TOPICS[0])
    )


def _room_of(route: str) -> Room | None:
    """Return the room of a page of the administration, whose routes begin with the name of what they are about."""
    for model, page in admin.site._registry.items():
        if route.startswith(f"{model._meta.app_label}_{model._meta.model_name}_"):
            return room_of(page)
    return None


@lru_cache(maxsize=64)
def _read(path: Path, modified: int) -> Text:
    """Read a text once for as long as the file stays the same; `modified` is its time."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    heading, *tokens = reader.parse(path.read_text("utf-8"))
    if heading.tag != "h1":
        raise ValueError(f"{path} does not begin with its heading")
    title = tokens[0].content
    body = tokens[2:]
    for token in body:
        if token.children:
            token.children = [_written(child) for child in token.children]
    markup = reader.renderer.render(body, reader.options, {})
    return Text(path.stem, title, mark_safe(markup))  # noqa: S308 -- Markdown without HTML, links to our own topics


def _written(token: Token) -> Token:
    """Return a piece of a line as the page shows it: code as a key, a link as the address of another text."""
    if token.type == "code_inline":
        return Token("html_inline", "", 0, content=f"<kbd>{escape(token.content)}</kbd>")
    if token.type == "link_open":
        found = _LINK.fullmatch(str(token.attrGet("href")))
        topic = found[1] if found and found[1] in TOPICS else TOPICS[0]
        token.attrs = {"href": reverse("viewer:help", args=[topic])}
    return token
