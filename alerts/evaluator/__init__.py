"""The evaluator: one tick looks at what is new and what stands, and tells whoever is to know.

Safe in any number: a lock lets one tick through at a time, and a unique index keeps one incident a rule
and subject whatever happens. All that a tick decides is one transaction, the jobs that send its messages
included.
"""

from alerts.evaluator.step import Evaluated, evaluate

__all__ = ["Evaluated", "evaluate"]
