"""Blind voting: which pair is shown, who may vote on it, and whether the vote can be trusted."""
