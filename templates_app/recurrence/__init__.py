"""The recurrence engine: which moments a recurrence names, and why. Pure Python, no Django."""
