"""Files of a form on their way to disk: beside the spool, unnamed, bounded, never in memory."""

import tempfile
from pathlib import Path
from typing import IO, Any, Final, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from imaging.storage import disk

#: Bytes of one form: a video and a little more.
LARGEST_FORM: Final = 600 * 1024 * 1024
#: Files of one form.
MOST_FILES: Final = 30
_CHECK_EVERY: Final = 16 * 1024 * 1024


class StagingHandler(FileUploadHandler):
    """Writes each file of the form to an unnamed file in ``UPLOAD_DIR``; ``refusal`` says why it stopped.

    The rest of the form is not read then: what came before the files, the token among it, was.
    """

    def __init__(self, request: HttpRequest) -> None:
        """Begin with nothing received."""
        super().__init__(request)
        self.refusal = ""
        self._file: UploadedFile[Any] | None = None
        self._total = 0
        self._files = 0
        self._next_check = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file. The names and types that the browser tells are kept as words only."""
        super().new_file(*args, **kwargs)
        self._files += 1
        if self._files > MOST_FILES:
            self._stop("too_many_files")
        folder = Path(settings.UPLOAD_DIR)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = cast(IO[Any], tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 -- closed with the request
        self._file = UploadedFile(file=staged, name=self.file_name, content_type=self.content_type, size=0)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write on."""
        self._total += len(raw_data)
        if self._total > LARGEST_FORM:
            self._stop("form_too_large")
        if self._total >= self._next_check:
            self._next_check = self._total + _CHECK_EVERY
            if disk.room(Path(settings.UPLOAD_DIR), settings.SPOOL_RESERVE) < _CHECK_EVERY:
                self._stop("disk_full")
        if self._file is not None:
            try:
                self._file.write(raw_data)
            except OSError:
                self._stop("disk_full")

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        """Hand the file over, at its start."""
        if self._file is not None:
            self._file.flush()
            self._file.seek(0)
            self._file.size = file_size
        return self._file

    def upload_interrupted(self) -> None:
        """Let go of a file whose rest never came."""
        if self._file is not None:
            self._file.close()

    def _stop(self, refusal: str) -> None:
        self.refusal = refusal
        self.upload_interrupted()
        raise StopUpload(connection_reset=True)
