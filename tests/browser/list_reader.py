"""What the tests of the study list do again and again: make rows, read which one is chosen."""

import numpy as np
from playwright.sync_api import Page
from pydicom.dataset import Dataset

from tests.factories import arrivals
from tests.studies_in_archive import Archive


def rows(count: int) -> list[Dataset]:
    """Studies of as many patients, the first one the newest: `ROW^000` stands at the top of the list."""
    pixels = (np.indices((64, 64)).sum(axis=0) * 16).astype("<u2")
    return [
        arrivals.dataset(
            PatientName=f"Row^{number:03}",
            PatientID=f"R{number:03}",
            StudyDate="20260304",
            StudyTime=f"{23 - number // 60:02}{59 - number % 60:02}00",
            StudyDescription=f"Study {number:03}",
            Rows=64,
            Columns=64,
            PixelData=np.roll(pixels, number, axis=1).tobytes(),
        )
        for number in range(count)
    ]


def receive(archive: Archive, count: int) -> list[Dataset]:
    """Take in as many studies, and return them in the order of the list."""
    made = rows(count)
    archive.receive(*made)
    return made


def chosen(page: Page) -> str:
    """Key of the row that is chosen; empty for none."""
    row = page.locator("tr[aria-selected=true]")
    return (row.get_attribute("data-key") or "") if row.count() else ""


def focused(page: Page) -> str:
    """Key of the row that has the focus; empty when something else has it."""
    return str(page.evaluate("document.activeElement?.closest('tr')?.dataset.key ?? ''"))


def panel_name(page: Page) -> str:
    """The patient that the panel speaks of."""
    return page.inner_text("#preview h2").upper() if page.locator("#preview h2").count() else ""
