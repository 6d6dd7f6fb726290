"""Pages about speed, for staff: they show addresses and can start load."""
