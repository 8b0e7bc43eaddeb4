"""What every template may ask about the portal itself."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, Any]:
    """Give templates the product's name and whether this is a demo."""
    return {"product_name": settings.PRODUCT_NAME, "demo_mode": settings.DEMO}
