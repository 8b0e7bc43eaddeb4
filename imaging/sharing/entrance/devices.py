"""What opened a share, in a few words out of what the browser says of itself."""

import re
from typing import Final

_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
#: In this order: most of them also name those below.
_BROWSERS: Final = (
    (r"Edg(?:e|A|iOS)?/(\d+)", "Edge"),
    (r"OPR/(\d+)", "Opera"),
    (r"SamsungBrowser/(\d+)", "Samsung Internet"),
    (r"(?:Firefox|FxiOS)/(\d+)", "Firefox"),
    (r"(?:Chrome|CriOS|Chromium)/(\d+)", "Chrome"),
    (r"Version/(\d+)[\d.]* (?:Mobile/\S+ )?Safari/", "Safari"),
)


def device_of(user_agent: str) -> str:
    """Return system and browser, as far as they can be told: at most 80 characters, and nothing that was sent as it was."""
    agent = user_agent[:400]
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    browser = ""
    for pattern, name in _BROWSERS:
        if found := re.search(pattern, agent):
            browser = f"{name} {found[1][:4]}"
            break
    return ", ".join(part for part in (system, browser) if part)
