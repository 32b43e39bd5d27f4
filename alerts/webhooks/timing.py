"""How often webhooks tick, for how long they keep things, and how much one host may take up. Pure."""

from datetime import timedelta

# How often beat ticks the fan-out (seconds): an event waits so long at most.
TICK = 1.0
# How often the upkeep looks for endpoints that fail (seconds); it forgets what is old as well.
UPKEEP = 300.0
# Failures so far apart, without a success between them: the endpoint is disabled.
DISABLED_AFTER = timedelta(days=5)
# Events, and how their deliveries went, are kept for so long.
KEPT = timedelta(days=30)
# Deliveries to one host that may be in workers' hands at once, as soon as they were more.
MOST_AT_ONCE = 100
