"""Reads for the public pages: what they show, in a number of queries that does not grow."""
