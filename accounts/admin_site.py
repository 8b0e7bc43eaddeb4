"""The Django admin as one room of the portal: our sign-in, our look, and nothing that is switched off."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts.admin_rooms import Room, furnished, with_pages
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act

#: Apps whose tables exist and whose features are off: what cannot be used is not shown.
HIDDEN_APPS: Final = frozenset({"account", "auth", "mfa", "usersessions"})


#: What a package above shows on the first page, as names of its template; it asks for itself what the reader may see.
IndexPart = Callable[[HttpRequest], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the admin that shows no rows of a table: where it stands, what it is called, and who may open it."""

    route: str
    url_name: str
    name: Any
    room: Room
    view: Callable[[HttpRequest], HttpResponse]
    may_open: Callable[[HttpRequest], bool]


#: Pages of a row on which something is typed: the proof comes before the typing.
_CHANGING: Final = frozenset({"add_view", "change_view", "delete_view"})


class PortalAdminSite(AdminSite):
    """The admin behind the portal's own sign-in."""

    index_title = _("How things stand")

    def __init__(self, name: str = "admin") -> None:
        """Begin with an index of rooms alone."""
        super().__init__(name)
        self._index_parts: list[IndexPart] = []
        self._pages: list[Page] = []
        self._inlines: dict[type[Model], list[type[InlineModelAdmin[Any, Any]]]] = {}

    def add_to_index(self, part: IndexPart) -> None:
        """Have the first page show what ``part`` answers."""
        self._index_parts.append(part)

    def add_page(self, page: Page) -> None:
        """Have the site show a page that belongs to no table, in its room."""
        self._pages.append(page)

    def get_urls(self) -> list[Any]:
        """Add the pages that belong to no table."""
        own = [path(page.route, self.admin_view(page.view), name=page.url_name) for page in self._pages]
        return [*own, *super().get_urls()]

    def add_inline(self, model: type[Model], inline: "type[InlineModelAdmin[Any, Any]]") -> None:
        """Have the pages of ``model``, which belong to a package below, show rows of a package above."""
        self._inlines.setdefault(model, []).append(inline)

    def inlines_of(self, model: type[Model]) -> "Sequence[type[InlineModelAdmin[Any, Any]]]":
        """Return what packages above show on the pages of a model."""
        return self._inlines.get(model, [])

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the rooms with their pages, as far as this person may open them."""
        found = self._build_app_dict(request)
        pages = [page for app in found.values() for page in app["models"]]
        rooms = furnished(pages, self._registry)
        return with_pages(rooms, [self._entry(page) for page in self._pages if page.may_open(request)])

    def _entry(self, page: Page) -> tuple[Room, dict[str, Any]]:
        """What the list of a room shows of a page, as Django describes a table's."""
        address = reverse(f"{self.name}:{page.url_name}")
        shown = {"name": page.name, "object_name": page.url_name, "admin_url": address, "view_only": True}
        return page.room, shown

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Ask for a fresh proof before a page that changes something, and before what its page says is as weighty to read."""
        page = super().admin_view(view, cacheable)
        owner = getattr(view, "__self__", None)
        act = getattr(owner, "act", Act.ADMINISTRATION)
        asks = getattr(owner, "asks_to_read", False) or getattr(view, "__name__", "") in _CHANGING

        @wraps(page)
        def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            weighty = asks or request.method not in {"GET", "HEAD", "OPTIONS"}
            if weighty and self.has_permission(request) and not step_up.is_confirmed(request, act):
                return step_up.answer(request, act)
            return page(request, *args, **kwargs)

        return confirmed

    @method_decorator(never_cache)
    def index(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show how things stand, and the rooms."""
        shown = dict(extra_context or {})
        for part in self._index_parts:
            shown |= part(request)
        return super().index(request, shown)

    def app_index(  # type: ignore[override]
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the first page: applications are ours to know, rooms are everybody's."""
        return redirect("admin:index")

    def register(
        self,
        model_or_iterable: Any,
        admin_class: "type[ModelAdmin[Any]] | None" = None,
        **options: Any,
    ) -> None:
        """Register models, but for those of apps that are switched off."""
        models: Iterable[Any] = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else model_or_iterable
        shown = [model for model in models if model._meta.app_label not in HIDDEN_APPS]
        if shown:
            super().register(shown, admin_class, **options)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send a stranger to the sign-in page; tell somebody who is signed in that this is not for them."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect_to_login(wanted, reverse("account_login"))

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the one page where a password is changed."""
        return redirect("account_change_password")

    @method_decorator(never_cache)
    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the one page where one signs out."""
        return redirect("account_logout")
