"""Python's garbage collector, in processes that work on batches."""

import gc
from typing import Final

# Objects more than before at which the youngest are looked through. A worker's attempts leave circles
# (tasks, exceptions); a tick leaves none to speak of, and 500 templates are a hundred thousand objects.
OF_ATTEMPTS: Final = 100_000
OF_TICKS: Final = 1_000_000


def spare_the_collector(at: int) -> None:
    """Take what was loaded at the start out of garbage collection, and collect less often: `at`.

    Batches make many objects that live for milliseconds; a full pass over everything costs tens: a
    quarter of the expander's time with Python's defaults. Children that are forked afterwards share
    what is frozen with their parent instead of copying it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(at, 20, 50)
