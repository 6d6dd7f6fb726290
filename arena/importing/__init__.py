"""Files into rows: recognised, checked as a whole, stored once however often they are imported."""

from arena.importing import answers, battles, language_models, questions
from arena.importing.importer import import_files
from arena.importing.report import FileReport, ImportReport

# importing these modules registers this room's sinks
__all__ = [
    "FileReport",
    "ImportReport",
    "answers",
    "battles",
    "import_files",
    "language_models",
    "questions",
]
