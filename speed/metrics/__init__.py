"""Figures computed from stamp files: pure functions of stored stamps, no clock, no network."""
