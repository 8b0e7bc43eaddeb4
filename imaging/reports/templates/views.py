"""One's own templates and macros; what everybody is offered is kept in the administration."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors as accounts
from accounts.models import User
from accounts.roles import Capability
from imaging.reports.models import ReportMacro, ReportTemplate
from imaging.reports.templates import fields, selectors, services
from imaging.reports.templates.forms import MacroForm, TemplateForm
from imaging.reports.templates.services import TooMany

P = ParamSpec("P")

_MOST_FAULTS: Final = 20


def for_writers(
    view: Callable[Concatenate[HttpRequest, User, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Make a page of who writes reports: 403 for others."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User) or not accounts.is_capable(user, Capability.WRITE_REPORT):
            raise PermissionDenied
        response = view(request, user, *args, **names)
        response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)


@require_safe
@for_writers
def page(request: HttpRequest, user: User) -> HttpResponseBase:
    """Show one's own templates and macros, and those of everybody."""
    return render(request, "imaging/reports/templates/mine.html", _mine(user))


@require_http_methods(["GET", "HEAD", "POST"])
@for_writers
def edit(request: HttpRequest, user: User, key: uuid.UUID | None = None) -> HttpResponseBase:
    """Make a template of one's own, or change one. ``?copy=`` begins with another's text."""
    known = _own(user, key) if key else None
    if request.method == "POST":
        form = TemplateForm(request.POST)
        if form.is_valid():
            try:
                made = services.keep_template(user, form.cleaned_data, known=known)
            except TooMany:
                messages.error(request, _("You keep as many templates as there is room for. Delete one first."))
                return redirect("reports:templates")
            messages.success(request, _("Kept."))
            for line in _faults(made):
                messages.warning(request, line)
            return redirect("reports:templates")
        return render(request, "imaging/reports/templates/edit.html", {"form": form, "known": known}, status=422)
    source = known or _copied(request, user)
    initial = (
        {name: getattr(source, name) for name in TemplateForm.base_fields} if source else {"language": _language()}
    )
    form = TemplateForm(initial=initial)
    return render(request, "imaging/reports/templates/edit.html", {"form": form, "known": known})


@require_POST
@for_writers
def forget(request: HttpRequest, user: User, key: uuid.UUID) -> HttpResponseBase:
    """Delete a template of one's own; reports that began with it stay as they are."""
    _own(user, key).delete()
    messages.success(request, _("Deleted. Reports that began with it stay as they are."))
    return redirect("reports:templates")


@require_POST
@for_writers
def keep_macro(request: HttpRequest, user: User) -> HttpResponseBase:
    """Keep a macro of one's own."""
    form = MacroForm(request.POST)
    if not form.is_valid():
        context = {**_mine(user), "macro_form": form}
        return render(request, "imaging/reports/templates/mine.html", context, status=422)
    try:
        services.keep_macro(user, **form.cleaned_data)
    except TooMany:
        messages.error(request, _("You keep as many macros as there is room for. Delete one first."))
    return redirect("reports:templates")


@require_POST
@for_writers
def forget_macro(request: HttpRequest, user: User, pk: int) -> HttpResponseBase:
    """Delete a macro of one's own."""
    row = ReportMacro.objects.filter(owner=user, pk=pk).first()
    if row is None:
        raise Http404
    row.delete()
    return redirect("reports:templates")


def faults_of(template: ReportTemplate, macros: dict[str, str]) -> list[tuple[str, fields.Problem]]:
    """(section, what cannot be read in it), macros included."""
    found = []
    for section in template.sections:
        text = str(section.get("text", ""))
        _expanded, problems = fields.expand(text, macros)
        found += [(str(section["code"]), problem) for problem in (*fields.find(text).problems, *problems)]
    return found[:_MOST_FAULTS]


def _faults(template: ReportTemplate) -> list[str]:
    owner = template.owner
    macros = selectors.macros_for(owner, template.language) if owner else {}
    return [
        _("Section “%(section)s”, line %(line)s: “%(piece)s” is no field or macro; it stays as text.")
        % {"section": section, "line": problem.line, "piece": problem.piece[:60]}
        for section, problem in faults_of(template, macros)
    ]


def _mine(user: User) -> dict[str, Any]:
    places = accounts.capabilities_by_department(user).get(Capability.WRITE_REPORT, frozenset())
    shared = selectors.templates_for(user, places).filter(owner=None)
    return {
        "own": list(selectors.own_templates(user)),
        "shared": list(shared.order_by("language", "position", "name")),
        "macros": list(selectors.own_macros(user)),
        "shared_macros": list(
            ReportMacro.objects.filter(owner=None).order_by("language", "word")[: selectors.MOST_MACROS]
        ),
        "macro_form": MacroForm(initial={"language": _language()}),
    }


def _own(user: User, key: uuid.UUID) -> ReportTemplate:
    row = selectors.own_templates(user).filter(key=key).first()
    if row is None:
        raise Http404
    return row


def _copied(request: HttpRequest, user: User) -> ReportTemplate | None:
    try:
        key = uuid.UUID(request.GET.get("copy", ""))
    except ValueError:
        return None
    places = accounts.capabilities_by_department(user).get(Capability.WRITE_REPORT, frozenset())
    return selectors.templates_for(user, places).filter(key=key).first()


def _language() -> str:
    return "fr" if (get_language() or "").startswith("fr") else "en"
