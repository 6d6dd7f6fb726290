"""Judges, judge prompts and judgments that come in files; found by the importer of the arena."""

from judging.importing import judges, judgments

__all__ = ["judges", "judgments"]
