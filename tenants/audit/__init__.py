"""The audit trail: who did what, when, from where, to what, with what was before and after.

Append-only (a trigger sees to it) and chained by hashes, one chain a merchant and one of the platform's
own. `record` is called by operations, in the transaction of the change that it tells of.
"""

from tenants.audit.actor import SYSTEM, Actor, ActorKind, person
from tenants.audit.recording import record
from tenants.audit.verifying import ChainState, verify_chains

__all__ = ["SYSTEM", "Actor", "ActorKind", "ChainState", "person", "record", "verify_chains"]
