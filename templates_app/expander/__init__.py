"""The expander: due templates -> planned jobs, in batches, each with a constant number of statements.

Any number may run at once: templates are claimed with SKIP LOCKED, and one occurrence can have only
one job (the unique index on template and occurrence). Ticked by beat; an edit runs the same code
for one template in its own transaction.
"""

from templates_app.expander.batch import catch_up, plan_again, plan_claimed, write_off
from templates_app.expander.step import Expanded, expand

__all__ = ["Expanded", "catch_up", "expand", "plan_again", "plan_claimed", "write_off"]
