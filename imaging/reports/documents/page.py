"""A report for the pages: the same sheet as on paper, as a fragment of HTML. Every text is escaped by the template."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from imaging.reports.documents.content import ReportContent
from imaging.reports.documents.sheet import sheet


def fragment(content: ReportContent, *, pictures: bool = True) -> SafeString:
    """The report without its surroundings. Key images are links into the study, numbered as on paper."""
    return render_to_string("imaging/reports/_document.html", {"report": sheet(content), "pictures": pictures})
