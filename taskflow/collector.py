"""Python's garbage collector, in processes that work on batches."""

import gc


def spare_the_collector() -> None:
    """Take what was loaded at the start out of garbage collection, and collect less often.

    Batches make many objects that live for milliseconds; a full pass over everything costs tens: a
    quarter of the expander's time with Python's defaults. Children that are forked afterwards share
    what is frozen with their parent instead of copying it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
