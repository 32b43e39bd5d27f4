"""The only writer of a job's status.

Every function is one guarded statement over a set of jobs (the SQL is in `jobs.statements`). A
stale caller (a zombie worker, a doubled message, a restored broker) matches no row and changes
nothing; the returned rows are the answer. Listeners hear of it after the commit. The verbs
that take several statements (`create_graph` and those that settle) take them in one transaction.
"""

from jobs.lifecycle.archiving import BEGINNING, Place, Walked, archive, recall
from jobs.lifecycle.breakers import abandon, forget_breakers, heed_breakers
from jobs.lifecycle.canaries import close_canary_letters, send_canaries, withdraw_canaries
from jobs.lifecycle.concurrency_keys import Granted, grant_places
from jobs.lifecycle.creating import MissingParents, create, create_graph, create_occurrences
from jobs.lifecycle.dependencies import (
    MOST_JUDGED,
    MOST_RESULTS,
    Resolved,
    find_drawing,
    find_unfilled,
    settle_dependencies,
)
from jobs.lifecycle.flow_lines import Released, next_token, release_parked
from jobs.lifecycle.flows import flows_apply, queue_within_flows
from jobs.lifecycle.occurrences import (
    cancel_plans,
    find_missed,
    find_missed_of,
    make_up,
    release_missed,
    skip,
    withdraw,
)
from jobs.lifecycle.orphans import rescue_orphans
from jobs.lifecycle.overlaps import Settled, settle_overlaps
from jobs.lifecycle.queueing import (
    expire,
    is_short,
    queue_due,
    queue_shares,
    requeue_lost_messages,
    unqueue,
)
from jobs.lifecycle.redrives import (
    Marked,
    Next,
    SettledItem,
    forget_letters,
    forget_redrive_items,
    mark_items,
    new_error,
    next_items,
    settle_items,
    take_redrive,
)
from jobs.lifecycle.running import (
    IllegalTransition,
    claim,
    find_running,
    find_stranded,
    finish,
)
from jobs.lifecycle.steering import advance, cancel, edit, restart
from jobs.lifecycle.surveying import Survey, survey
from jobs.lifecycle.unique_keys import forget_keys, replace, settle_keys

__all__ = [
    "BEGINNING",
    "MOST_JUDGED",
    "MOST_RESULTS",
    "Granted",
    "IllegalTransition",
    "Marked",
    "MissingParents",
    "Next",
    "Place",
    "Released",
    "Resolved",
    "Settled",
    "SettledItem",
    "Survey",
    "Walked",
    "abandon",
    "advance",
    "archive",
    "cancel",
    "cancel_plans",
    "claim",
    "close_canary_letters",
    "create",
    "create_graph",
    "create_occurrences",
    "edit",
    "expire",
    "find_drawing",
    "find_missed",
    "find_missed_of",
    "find_running",
    "find_stranded",
    "find_unfilled",
    "finish",
    "flows_apply",
    "forget_breakers",
    "forget_keys",
    "forget_letters",
    "forget_redrive_items",
    "grant_places",
    "heed_breakers",
    "is_short",
    "make_up",
    "mark_items",
    "new_error",
    "next_items",
    "next_token",
    "queue_due",
    "queue_shares",
    "queue_within_flows",
    "recall",
    "release_missed",
    "release_parked",
    "replace",
    "requeue_lost_messages",
    "rescue_orphans",
    "restart",
    "send_canaries",
    "settle_dependencies",
    "settle_items",
    "settle_keys",
    "settle_overlaps",
    "skip",
    "survey",
    "take_redrive",
    "unqueue",
    "withdraw",
    "withdraw_canaries",
]
