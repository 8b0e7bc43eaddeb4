"""A hospital in which every word is markup: what devices wrote in every text attribute, and what people typed in every field."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, Final

from django.apps import apps
from django.db import DatabaseError, models, transaction
from django.db.models import Value
from django.db.models.functions import Cast, Concat
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset

from tests.factories import arrivals

#: Closes an attribute, loads a picture, runs a script, and is no more than 40 characters.
MARKUP: Final = '"><img src=x onerror=alert(1)>'
#: The same without an equals sign, which begins another writing of a person's name.
NAME: Final = '"><svg/onload><script>alert(2)</script>'
_TEXT: Final = {"LO", "SH", "ST", "LT", "UT", "UC", "PN", "AE", "CS", "UR"}
#: What decides how an object is read; the corpus of single hostile objects (tests/hostile) has these.
_STRUCTURE: Final = {"SpecificCharacterSet", "Modality", "PatientSex", "PhotometricInterpretation", "ImageType"}
#: Columns that hold what somebody typed or a device sent; the others hold codes, addresses, digests and states.
_WORDS: Final = re.compile(
    r"name|name_fr|label|label_fr|title|purpose|note|review_note|reason|words|wish|answer|conclusion|evidence|account|wanted"
    r"|description|officer|contact|authority|place|address|said_name|path|detail|phone|because|extended_because"
    r"|identity_checked|display_name|first_name|last_name|value|claim|required_value|sender|number|source"
    r"|(?:\w+_)?by|(?:problem|reason)_detail|recipient_name|purpose_words|ended_because"
)
_KEPT: Final = {("outboundhost", "host"), ("webhook", "address"), ("framedorigin", "origin")}


def attributes() -> Iterator[tuple[str, str]]:
    """Keyword and value of every text attribute outside the file's structure, of the groups that devices fill in."""
    for tag, (vr, _vm, _name, retired, keyword) in DicomDictionary.items():
        if keyword and not retired and vr in _TEXT and 0x0008 <= tag >> 16 <= 0x0040 and keyword not in _STRUCTURE:
            if vr == "PN":
                yield keyword, f"{NAME}^{NAME}"
            else:
                yield keyword, f"javascript:alert(1)//{keyword}" if vr == "UR" else f"{MARKUP}{keyword}"


def image(**changes: Any) -> Dataset:
    """An image with markup in every text attribute, private ones too. Values are not valid: switch their check off."""
    made = arrivals.dataset(**{**dict(attributes()), **changes})
    block = made.private_block(0x0011, f"{MARKUP}MAKER", create=True)
    for at, vr in enumerate(("LO", "UT", "PN")):
        block.add_new(at, vr, MARKUP)
    return made


def make(model: type[models.Model], **known: Any) -> Any:
    """Create a row; what is required and not given is the plainest value of its kind, or the first row of its table."""
    for field in model._meta.concrete_fields:
        required = not (field.has_default() or field.null or field.primary_key or getattr(field, "auto_now_add", False))
        if required and field.name not in known and not field.blank and not getattr(field, "auto_now", False):
            known[field.name] = _plainest(field)
    return model._default_manager.create(**known)


def _plainest(field: "models.Field[Any, Any]") -> Any:
    if field.choices:
        return next(iter(field.flatchoices))[0]
    if isinstance(field, models.ForeignKey):
        return field.related_model._default_manager.all()[0]
    if isinstance(field, models.DateTimeField):
        return dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    if isinstance(field, models.DateField):
        return dt.date(2026, 3, 2)
    if isinstance(field, models.IntegerField):
        return 1
    return {} if isinstance(field, models.JSONField) else "x"


def fill() -> set[str]:
    """Write markup into every column of words of every row there is; return which were filled, as `model.field`."""
    filled = set()
    for model in apps.get_models():
        if model._meta.app_label not in {"accounts", "imaging"} or not model._default_manager.exists():
            continue
        for field in model._meta.concrete_fields:
            if _holds_words(model, field) and _filled(model, field):
                filled.add(f"{model._meta.model_name}.{field.name}")
    return filled


def _holds_words(model: type[models.Model], field: "models.Field[Any, Any]") -> bool:
    if type(field) not in {models.CharField, models.TextField} or field.choices or not _WORDS.fullmatch(field.name):
        return False
    room = field.max_length is None or field.max_length >= len(MARKUP) + 8
    return room and (model._meta.model_name, field.name) not in _KEPT


def _filled(model: type[models.Model], field: "models.Field[Any, Any]") -> bool:
    # With the row's number behind it, for what may stand once only.
    words = Concat(Value(MARKUP), Cast("pk", models.CharField()))
    try:
        with transaction.atomic():
            model._default_manager.update(**{field.name: words})
    except DatabaseError:
        return False  # of what is only ever added to, or a rule of the table says what may stand there
    return True
