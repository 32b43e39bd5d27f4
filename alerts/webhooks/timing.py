"""How often webhooks tick, and for how long they keep things. Pure."""

# How often beat ticks the fan-out (seconds): an event waits so long at most.
TICK = 1.0
