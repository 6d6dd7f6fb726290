"""Scores of single samples; pure functions."""
