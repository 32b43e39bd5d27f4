"""Templates and their recurrences: the room that the ladder keeps for them."""
