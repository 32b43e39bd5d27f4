"""The rule kinds by name. A kind is one file of this package, listed here."""

from alerts.rules.dead_letters_growing import DEAD_LETTERS_GROWING
from alerts.rules.failure_rate import FAILURE_RATE
from alerts.rules.job_failed import JOB_FAILED
from alerts.rules.key_expiring import KEY_EXPIRING
from alerts.rules.kind import Found, Parameter, RuleKind, Whose
from alerts.rules.lane_silent import LANE_SILENT
from alerts.rules.lateness import LATENESS
from alerts.rules.queue_age import QUEUE_AGE
from alerts.rules.run_missing import RUN_MISSING
from alerts.rules.run_too_long import RUN_TOO_LONG
from alerts.rules.template_set_aside import TEMPLATE_SET_ASIDE

__all__ = ["RULE_KINDS", "Found", "Parameter", "RuleKind", "Whose"]

RULE_KINDS: dict[str, RuleKind] = {
    kind.name: kind
    for kind in (
        JOB_FAILED,
        FAILURE_RATE,
        RUN_MISSING,
        RUN_TOO_LONG,
        LATENESS,
        DEAD_LETTERS_GROWING,
        LANE_SILENT,
        QUEUE_AGE,
        KEY_EXPIRING,
        TEMPLATE_SET_ASIDE,
    )
}
