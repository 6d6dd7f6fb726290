"""Public pages of the leaderboard; each view authorises, parses, asks one selector, renders."""
