"""From a recurrence to a plan: calendars, windows and misfires applied. Pure Python, no Django."""
