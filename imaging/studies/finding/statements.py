"""Queries as statements, where what is asked of the database around them is more than Django's queries can say."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet


def compiled(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]] | None:
    """A query with its parameters, or None when it is known beforehand that it finds nothing."""
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return None
