"""What PostgreSQL can compare that the ORM has no word for: patterns as they are, and names without accents."""

from functools import lru_cache
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, Lookup
from django.db.models.sql.compiler import SQLCompiler

from imaging.dicom import person_name

_Parameters = tuple[str | int, ...]

#: Marks begin here and end in the second plane: the rest of Unicode, ten times as much, is not looked through while somebody waits.
_MARKS: Final = range(0x0300, 0x20000)


class Like(Lookup):
    """``LIKE`` with a pattern of our own making: ``%``, ``_``, and a backslash before those that mean themselves."""

    lookup_name = "like"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, _Parameters]:
        """Write the comparison so that indexes of pattern and trigram classes serve it."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right}", (*left_params, *right_params)


class MatchesRegex(Lookup):
    """``~`` with a regular expression of our own making."""

    lookup_name = "matches_regex"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, _Parameters]:
        """Write the comparison."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ~ {right}", (*left_params, *right_params)


class Folded(Func):
    """``name_matching.folded`` in SQL: decomposed, without accents, in small letters."""

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        function: str | None = None,
        template: str | None = None,
        arg_joiner: str | None = None,
        **extra_context: Any,
    ) -> tuple[str, _Parameters]:
        """Write the function; the accents are those that Python knows."""
        inner, params = compiler.compile(self.source_expressions[0])
        small = f"lower(regexp_replace(normalize({inner}, NFKD), %s, '', 'g'))"
        return f"replace(replace({small}, 'ς', 'σ'), 'ß', 'ss')", (*params, _accents())


@lru_cache(maxsize=1)
def _accents() -> str:
    """A bracket expression of everything that searches overlook in a name."""
    marks = [code for code in _MARKS if person_name.is_accent(chr(code))]
    spans: list[list[int]] = []
    for code in marks:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "[" + "".join(chr(first) if first == last else f"{chr(first)}-{chr(last)}" for first, last in spans) + "]+"
