"""How a rendered picture is asked for: PS3.18 sections 8.3.5.1 (rendered) and 8.3.5.2 (thumbnail). Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from imaging.dicomweb.negotiation import NotUnderstood

#: Longest edge that is drawn, in pixels: beyond it, the frames themselves are the right answer.
LARGEST = 4096
_FUNCTIONS = frozenset({"linear", "linear-exact", "sigmoid"})


@dataclass(frozen=True, slots=True)
class Viewport:
    """The box that the picture has to fit in, in pixels (PS3.18 section 8.3.5.1.3)."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Window:
    """Center and width in the units after the modality LUT, and the function (PS3.3 section C.11.2.1.2)."""

    center: float
    width: float
    function: str


def viewport(query: Mapping[str, str]) -> Viewport | None:
    """Read `viewport=width,height`. Regions of the source (`sx,sy,sw,sh`) are not offered. Raises NotUnderstood."""
    text = query.get("viewport", "")
    if not text:
        return None
    pieces = text.split(",")
    if len(pieces) > 2 and any(pieces[2:]):
        raise NotUnderstood("A region of the image cannot be asked for here: viewport=width,height.")
    if len(pieces) < 2 or not all(piece.isascii() and piece.isdigit() and len(piece) < 6 for piece in pieces[:2]):
        raise NotUnderstood("viewport is two whole numbers of pixels: viewport=width,height.")
    width, height = (int(piece) for piece in pieces[:2])
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        raise NotUnderstood(f"viewport is between 1 and {LARGEST} pixels each way.")
    return Viewport(width, height)


def window(query: Mapping[str, str]) -> Window | None:
    """Read `window=center,width,function`. Raises NotUnderstood."""
    text = query.get("window", "")
    if not text:
        return None
    pieces = text.split(",")
    function = pieces[2].lower() if len(pieces) == 3 else "linear"
    if len(pieces) not in {2, 3} or len(text) > 80 or function not in _FUNCTIONS:
        raise NotUnderstood("window is center,width,function; the function is linear, linear-exact or sigmoid.")
    try:
        center, width = float(pieces[0]), float(pieces[1])
    except ValueError:
        raise NotUnderstood("window's center and width are numbers.") from None
    smallest = 1 if function == "linear" else 0
    if (
        not (math.isfinite(center) and math.isfinite(width))
        or width < smallest
        or width == 0
        or abs(center) + width > 1e9
    ):
        raise NotUnderstood("window's center and width cannot be used.")
    return Window(center, width, function)


def quality(query: Mapping[str, str]) -> int:
    """Read `quality=1…100`, of lossy media types (PS3.18 section 8.3.5.1.2); 85 when it is not given. Raises NotUnderstood."""
    text = query.get("quality", "85")
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= 100):
        raise NotUnderstood("quality is a whole number from 1 to 100.")
    return int(text)
