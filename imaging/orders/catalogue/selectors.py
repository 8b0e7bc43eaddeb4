"""Questions about the catalogue: what is offered, what a person often asks for, what is asked back."""

from django.db.models import Count, QuerySet

from accounts.models import User
from imaging.orders.catalogue import hints, questions
from imaging.orders.catalogue.questions import About
from imaging.orders.models import (
    AppropriatenessRule,
    ExamRequest,
    FavouriteProcedure,
    Procedure,
    Region,
    SafetyQuestion,
)

#: Lines of the picker.
MOST_FOUND = 60
_MOST_USUAL = 6
_LOOKED_BACK = 200


def offered() -> QuerySet[Procedure]:
    """What can be asked for."""
    return Procedure.objects.filter(is_active=True).select_related("department")


def procedure_called(code: str) -> Procedure | None:
    """The offered procedure of a code; None for what is not offered."""
    return offered().filter(code=code[:16].replace("\x00", "")).first()


def find(text: str, region: str = "") -> list[Procedure]:
    """Offered procedures each of whose words begins one of theirs, in any language; a name that begins so comes first."""
    wanted = hints.folded(text[:100]).split()
    rows = [row for row in offered() if not region or row.region == region]
    found = [row for row in rows if all(f" {word}" in _words_of(row) for word in wanted)]
    if wanted:
        found.sort(key=lambda row: not hints.folded(row.label).startswith(f" {wanted[0]}"))
    return found


def _words_of(row: Procedure) -> str:
    return hints.folded(f"{row.name} {row.name_fr} {row.words} {row.code} {row.modality} {row.body_part_examined}")


def by_region(rows: list[Procedure]) -> list[tuple[str, str, list[Procedure]]]:
    """Procedures as the picker groups them: (region, its name, its procedures), those without any left out."""
    groups = [(region.value, str(region.label), [row for row in rows if row.region == region]) for region in Region]
    return [group for group in groups if group[2]]


def favourites(user: User) -> list[Procedure]:
    """What a person keeps at hand, the latest last."""
    rows = FavouriteProcedure.objects.filter(user=user, procedure__is_active=True)
    return [row.procedure for row in rows.select_related("procedure__department").order_by("added_at")]


def usual(user: User) -> list[Procedure]:
    """What a person asked for most often of late."""
    latest = ExamRequest.objects.filter(requester=user, procedure__is_active=True).order_by("-created_at")
    counted = ExamRequest.objects.filter(pk__in=list(latest.values_list("pk", flat=True)[:_LOOKED_BACK]))
    often = counted.values_list("procedure").annotate(number=Count("pk")).order_by("-number", "procedure")
    order = [pk for pk, _number in often[:_MOST_USUAL]]
    rows = {row.pk: row for row in offered().filter(pk__in=order)}
    return [rows[pk] for pk in order]


def questions_for(procedure: Procedure, about: About) -> list[SafetyQuestion]:
    """What is asked back before this exam of this patient."""
    return questions.asked(SafetyQuestion.objects.filter(is_active=True), procedure, about)


def hints_for(procedure: Procedure, question: str, about: About) -> list[AppropriatenessRule]:
    """What guidelines say of this exam for this question, the least appropriate first."""
    rules = AppropriatenessRule.objects.filter(is_active=True).select_related("suggests").prefetch_related("procedures")
    order = {score: place for place, score in enumerate(reversed(AppropriatenessRule.Score.values))}
    found = hints.fitting(rules, procedure, question, about)
    return sorted(found, key=lambda rule: order.get(rule.score, 9))


def is_empty() -> bool:
    """Whether nothing can be asked for yet."""
    return not Procedure.objects.exists()
