"""Files sent through the browser on their way to the importer."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile

from arena.importing import ImportReport, import_files

# a request that takes longer than a reader waits belongs on the command line
UPLOAD_MAX_BYTES = 50 * 1024 * 1024


def import_uploads(
    *, uploads: Sequence[UploadedFile[bytes]], question_set: str, format: str, skip_bad: bool
) -> ImportReport:
    """Import uploaded files under their own names, which decide between look-alike formats."""
    with tempfile.TemporaryDirectory(prefix="agon-upload-") as folder:
        paths = []
        for number, upload in enumerate(uploads):
            place = Path(folder) / str(number)
            place.mkdir()
            # Django has reduced the name to its last part
            path = place / (upload.name or "upload")
            with path.open("wb") as file:
                shutil.copyfileobj(upload, file)
            paths.append(path)
        report = import_files(
            paths, question_set=question_set or None, format=format or None, skip_bad=skip_bad
        )
    for file_report in report.files:
        file_report.file = Path(file_report.file).name
    return report
