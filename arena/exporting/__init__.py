"""Rows into files of any format of the field, streamed."""

from arena.exporting import arena_records
from arena.exporting.exporter import ExportError, Selection, export_data

__all__ = ["ExportError", "Selection", "arena_records", "export_data"]
