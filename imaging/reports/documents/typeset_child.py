"""Sets one report, in a process of its own with limits: `python typeset_child.py FOLDER SECONDS BYTES`.

Nothing of the portal is imported. What is to be set comes as JSON on stdin; the folder holds the template, the fonts and the
pictures. The PDF goes to stdout.
"""

from __future__ import annotations

import json
import pathlib
import resource
import sys

import typst

#: The best first: archivable and accessible. A report that the checks of accessibility refuse is still made, untagged.
STANDARDS: list[tuple[list[typst.PDFStandard], bool]] = [(["a-2a", "ua-1"], True), (["a-2b"], False)]


def main(folder: pathlib.Path, seconds: int, memory: int) -> None:
    """Limit this process, then set the report. What the typesetter objects to goes to stderr, and the exit code is 1."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read().decode()
    for number, (standards, is_tagged) in enumerate(STANDARDS, 1):
        try:
            made = typst.compile(
                folder / "report.typ",
                root=folder,
                font_paths=[folder / "fonts"],
                ignore_system_fonts=True,
                format="pdf",
                pdf_standards=standards,
                pdf_tags=is_tagged,
                timestamp=json.loads(data)["timestamp"],
                sys_inputs={"report": data},
                package_path=folder / "none",
                package_cache_path=folder / "none",
            )
        except typst.TypstError as error:
            sys.stderr.write(error.message[:200])
            if number == len(STANDARDS):
                raise SystemExit(1) from None
        else:
            sys.stdout.buffer.write(made)
            return


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
