"""Addresses of writing and reading reports: of a study while it is written, of the report once it is signed."""

from django.urls import path, re_path

from imaging.reports.writing import editing, views
from imaging.reports.writing.pages import OF_STUDY

urlpatterns = [
    re_path(rf"{OF_STUDY}/write$", editing.page, name="write"),
    re_path(rf"{OF_STUDY}/draft$", editing.draft, name="draft"),
    re_path(rf"{OF_STUDY}/template$", editing.template, name="template-text"),
    re_path(rf"{OF_STUDY}/pull$", editing.pull, name="pull"),
    re_path(rf"{OF_STUDY}/let-go$", editing.let_go, name="let-go"),
    re_path(rf"{OF_STUDY}/pictures/(?P<sha256>[0-9a-f]{{64}})$", editing.picture, name="picture"),
    re_path(rf"{OF_STUDY}/sign$", views.sign, name="sign"),
    re_path(rf"{OF_STUDY}/begin$", views.begin, name="begin"),
    re_path(rf"{OF_STUDY}/discard$", views.discard, name="discard"),
    re_path(rf"{OF_STUDY}/withdraw$", views.withdraw, name="withdraw"),
    path("<uuid:key>/", views.page, name="report"),
    path("<uuid:key>/beside", views.beside, name="beside"),
    path("<uuid:key>/report.pdf", views.paper, name="report-pdf"),
    path("<uuid:key>/versions/<int:number>/", views.page, name="report-version"),
    path("<uuid:key>/versions/<int:number>/report.pdf", views.paper, name="version-pdf"),
]
