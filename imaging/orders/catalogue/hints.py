"""Which hints on the choice of an exam a clinical question calls for: pure rules over the rules of the catalogue."""

from collections.abc import Iterable

from imaging.dicom import person_name
from imaging.orders.catalogue.questions import About, suits
from imaging.orders.models import AppropriatenessRule, Procedure


def folded(text: str) -> str:
    """A text as it is compared: without accents, case and punctuation, with a space at both ends."""
    return f" {person_name.normalised(text)} "


def says(text: str, words: str) -> bool:
    """Whether a folded text has one of the words, separated by commas, at the beginning of a word of its own."""
    wanted = (person_name.normalised(word) for word in words.split(","))
    return any(f" {word}" in text for word in wanted if word)


def fitting(
    rules: Iterable[AppropriatenessRule], procedure: Procedure, question: str, about: About
) -> list[AppropriatenessRule]:
    """The rules that speak of this exam for this question; ``rules`` come with their procedures fetched."""
    text = folded(question)
    return [rule for rule in rules if _fits(rule, procedure, text, about)]


def _fits(rule: AppropriatenessRule, procedure: Procedure, text: str, about: About) -> bool:
    named = {row.pk for row in rule.procedures.all()}
    if named and procedure.pk not in named:
        return False
    if (rule.modality and rule.modality != procedure.modality) or (rule.region and rule.region != procedure.region):
        return False
    if not suits(rule, about):
        return False
    return (not rule.words or says(text, rule.words)) and not (rule.without and says(text, rule.without))
