"""Help on every page: in both languages, safe as markup, and true to the words on the screen."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.template.loader import get_template
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation
from markdown_it import MarkdownIt

from accounts.models import User
from imaging.viewer import help_topics
from portal.catalogues import CATALOGUE
from tests.factories import arrivals
from tests.studies_in_archive import Archive, addresses

ROOT = Path(__file__).resolve().parents[3]
LANGUAGES = ("en", "fr")
TEXTS = [(language, topic) for language in LANGUAGES for topic in help_topics.TOPICS]
READER = MarkdownIt("commonmark").enable("table")
#: Words on the screen that are the same in every language, and so in no catalogue.
EVERYWHERE = {"CSV"}


def source(language: str, topic: str) -> str:
    return (help_topics.FOLDER / language / f"{topic}.md").read_text("utf-8")


def headings(language: str, topic: str) -> list[str]:
    return [token.tag for token in READER.parse(source(language, topic)) if token.type == "heading_open"]


def pages() -> Iterator[tuple[Path, str]]:
    """Every module that answers with a whole page of the portal, and the template."""
    whole = {
        str(path.relative_to(ROOT / "templates"))
        for folder in ("imaging", "account", "federation")
        for path in (ROOT / "templates" / folder).rglob("*.html")
        if '{% extends "base.html" %}' in path.read_text("utf-8")
    }
    for module in sorted(path for layer in ("imaging", "accounts") for path in (ROOT / layer).rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and node.value in whole:
                yield module, str(node.value)


def routes(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, str]]:
    """Every route's view: (module, name)."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry, f"{space}{entry.namespace}:" if entry.namespace else space)
        elif isinstance(entry, URLPattern):
            yield entry.callback.__module__, f"{space}{entry.name or ''}"


def test_every_text_is_there_in_both_languages_and_none_is_forgotten() -> None:
    for language in LANGUAGES:
        there = {path.stem for path in (help_topics.FOLDER / language).iterdir()}
        assert there == set(help_topics.TOPICS), language


def test_every_page_of_the_portal_has_help() -> None:
    named: dict[str, set[str]] = {}
    for module, name in routes(get_resolver()):
        named.setdefault(module, set()).add(name)
    found = 0
    for path, template in pages():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if module.startswith("imaging.api") or module == "imaging.viewer.help_pages":
            continue  # the reference explains itself, and so does the help
        # A page that another module draws for several views (results, refusals) is one of a module with routes.
        views = named.get(module, set())
        assert not views or views & set(help_topics.OF_PAGES), f"Say in help_topics.py which text helps on {template}"
        found += bool(views)
    assert found > 10
    assert set(help_topics.OF_PAGES) <= {name for _module, name in routes(get_resolver())}
    assert {*help_topics.OF_PAGES.values(), *help_topics.FOR_STAFF, "start"} == set(help_topics.TOPICS)


@pytest.mark.parametrize("topic", help_topics.TOPICS)
def test_both_languages_say_the_same_things_in_the_same_order(topic: str) -> None:
    assert headings("en", topic) == headings("fr", topic)
    assert headings("en", topic)[0] == "h1"
    for token in ("table_open", "list_item_open", "tr_open"):
        counts = {sum(t.type == token for t in READER.parse(source(language, topic))) for language in LANGUAGES}
        assert len(counts) == 1, token


@pytest.mark.parametrize(("language", "topic"), TEXTS)
def test_links_lead_to_other_texts_and_nowhere_else(language: str, topic: str) -> None:
    for token in READER.parse(source(language, topic)):
        for child in token.children or ():
            assert child.type not in {"image", "html_inline"}
            if child.type == "link_open":
                assert (help_topics.FOLDER / language / str(child.attrGet("href"))).is_file(), child.attrGet("href")
        assert token.type != "html_block"


@pytest.mark.parametrize(("language", "topic"), TEXTS)
def test_words_in_bold_are_on_the_screen(language: str, topic: str) -> None:
    with CATALOGUE.open("rb") as file:
        catalogue = [message for message in read_po(file, locale="fr") if message.id]
    said: set[str] = set(EVERYWHERE)
    for message in catalogue:
        words = message.id if language == "en" else message.string
        said.update([words] if isinstance(words, str) else words)
    for bold in re.findall(r"\*\*(.+?)\*\*", source(language, topic), re.DOTALL):
        assert " ".join(bold.split()) in {" ".join(words.split()) for words in said}


@pytest.mark.parametrize("topic", help_topics.TOPICS)
def test_french_is_set_as_french_is(topic: str) -> None:
    text = re.sub(r"`[^`]*`", "", source("fr", topic))
    for faulty in (r" [;!?»]", r"« ", r" :", r"\w'\w", r"\.\.\.", r'"'):
        assert not re.search(faulty, text), (faulty, re.findall(f".{{0,20}}{faulty}.{{0,20}}", text))


def test_markup_in_a_text_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.md"
    hostile.write_text(
        "# <b>Title</b>\n\n<script>alert(1)</script>\n\n`<i>` [x](javascript:alert(1)) [y](https://example.org/) "
        "![z](https://example.org/z.png)\n"
    )
    text = help_topics._read(hostile, 0)
    assert "<script" not in text.body
    assert "<img" not in text.body
    assert "example.org/" not in re.findall(r'href="([^"]*)"', text.body)
    assert set(re.findall(r'href="([^"]*)"', text.body)) == {"/help/start"}
    assert "<kbd>&lt;i&gt;</kbd>" in text.body
    markup = get_template("imaging/viewer/_help.html").render({"text": text, "texts": []})
    assert "&lt;b&gt;Title&lt;/b&gt;" in markup


@pytest.mark.django_db
def test_help_is_for_people_who_signed_in(client: Client, alice: User) -> None:
    assert client.get("/help/").status_code == 302
    assert client.get("/help/viewer").status_code == 302
    client.force_login(alice)
    for address in ("/help/", *(f"/help/{topic}" for topic in help_topics.TOPICS)):
        assert client.get(address).status_code == 200
    for address in ("/help/nothing", "/help/" + "x" * 1000):
        assert client.get(address).status_code == 404
    assert client.get("/help/..%2Fstart").status_code == 400, "a path upwards is refused before any page"
    assert client.post("/help/viewer").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_help_speaks_the_readers_language_as_a_page_and_as_a_part(language: str, client: Client, alice: User) -> None:
    alice.language = language
    alice.save()
    client.force_login(alice)
    page = client.get("/help/studies")
    part = client.get("/help/studies", headers={"HX-Request": "true"})
    with translation.override(language):
        title = help_topics.text_of("studies").title
    for answer in (page, part):
        assert f">{title}</h2>" in answer.content.decode()
        assert "HX-Request" in answer["Vary"]
    assert b"<html" in page.content
    assert b"<html" not in part.content


@pytest.mark.django_db(transaction=True)
def test_pages_lead_to_their_own_help(archive: Archive, alice: User, client: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    there = addresses(made)
    client.force_login(alice)
    for address, topic in (
        ("/", "studies"),
        ("/lists/", "lists"),
        (there.study, "study"),
        (f"/viewer/{there.study_uid}/", "viewer"),
        (there.all["headers"], "headers"),
        ("/studies/1.2.3/", "study"),
        ("/help/quarantine", "quarantine"),
        ("/access/", "access"),
        ("/access/emergency/", "emergency"),
        ("/account/security/", "account"),
        ("/account/password/", "account"),
        ("/account/identities/", "account"),
        ("/privacy/", "privacy"),
    ):
        assert f'href="/help/{topic}"' in client.get(address).content.decode(), address


@pytest.mark.django_db
@pytest.mark.parametrize(
    "route", ["account_login", "accounts:sealed", "accounts:second-factor", "account_inactive", "accounts:security"]
)
def test_no_help_is_offered_before_somebody_signed_in(client: Client, route: str) -> None:
    page = client.get(reverse(route), follow=True)
    assert page.status_code == 200
    assert "/help/" not in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("route", "topic"),
    [
        ("index", "administration"),
        ("imaging_job_changelist", "administration"),
        ("accounts_user_add", "people"),
        ("accounts_membership_roles", "people"),
        ("imaging_applicationentity_changelist", "machines"),
        ("imaging_routingrule_try", "machines"),
    ],
)
def test_each_room_of_the_administration_has_its_help(client: Client, route: str, topic: str) -> None:
    client.force_login(User.objects.create_superuser("root", "root@example.org", "a long password"))
    page = client.get(reverse(f"admin:{route}")).content.decode()
    assert f'data-help href="/help/{topic}"' in page
    assert 'id="help"' in page


@pytest.mark.django_db
def test_help_for_administrators_is_offered_to_those_who_administer(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert "/help/people" not in client.get("/help/").content.decode()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "a long password"))
    assert "/help/people" in client.get("/help/").content.decode()
