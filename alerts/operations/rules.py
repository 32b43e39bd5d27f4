"""Create, edit and delete rules."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from alerts.alerting import Alerting
from alerts.escalation import read_steps
from alerts.models import EscalationPolicy, Incident, Rule
from alerts.models.rule import Severity
from alerts.operations.channels import read_flag, required_name
from alerts.operations.storing import admit, changed, deleted, owned_by, stored
from alerts.rules import RULE_KINDS, RuleKind, Whose
from alerts.sending.notices import close_alerts, tell_listeners
from alerts.statements import incidents, reading
from jobs.operations.fields import Fields
from templates_app.models import Template
from tenants.audit import SYSTEM, Actor
from tenants.models import Merchant
from tenants.statement import execute

MINUTE = timedelta(minutes=1)
MOST_RULES = 100
RULE_FIELDS = ("name", "kind", "parameters", "template_id", "severity", "policy_id", "enabled")
BY_RULE = "the rule"


def kinds_for(merchant: Merchant | None) -> list[str]:
    """Return the kinds that a merchant's rules may have, or the platform's."""
    refused = Whose.PLATFORM if merchant is not None else Whose.MERCHANTS
    return [name for name, kind in RULE_KINDS.items() if kind.whose != refused]


def create_rule(data: Any, *, merchant: Merchant | None, now: datetime, by: Actor = SYSTEM) -> Rule:
    """Store a rule; what happened before is no news to it. Raises InvalidFields, TooManyAlerts."""
    fields = Fields(data, RULE_FIELDS)
    rule = Rule(merchant=merchant, created_at=now, name=required_name(fields))
    allowed = kinds_for(merchant)
    if "kind" not in fields:
        fields.refuse("kind", "required", f"is required: one of {', '.join(allowed)}.")
    else:
        rule.kind = fields.choice("kind", "", options=allowed)
    if rule.kind:
        _change(rule, fields, RULE_KINDS[rule.kind])
    fields.raise_problems()
    admit(Rule, merchant, most=MOST_RULES, what="alert rules")
    return stored(rule, by=by)


def edit_rule(
    rule: Rule, data: Any, *, now: datetime, alerting: Alerting, by: Actor = SYSTEM
) -> Rule:
    """Change what `data` names. A rule that is switched off resolves its incidents, and tells nobody but
    PagerDuty, which keeps alerts of its own. Open incidents of a rule with another policy begin that one.

    Raises InvalidFields, AlertGone.
    """
    fields = Fields(data, tuple(name for name in RULE_FIELDS if name != "kind"))

    def change(row: Rule) -> None:
        if "name" in fields:
            row.name = required_name(fields)
        kind = RULE_KINDS.get(row.kind)
        if kind is not None:
            _change(row, fields, kind)
        fields.raise_problems()
        if not row.enabled:
            _resolve_all(row, "The rule was switched off.", alerting=alerting, now=now)
        elif row.policy_id != policy:
            steps = read_steps(row.policy.steps) if row.policy else ()
            after = steps[0].after // MINUTE if steps else None
            execute(incidents.BEGIN_POLICY, rule=row.pk, after=after, now=now)

    with transaction.atomic():
        execute(reading.LOCK)
        policy = Rule.objects.filter(pk=rule.pk).values_list("policy_id", flat=True).first()
        return changed(rule, change, by=by)


def delete_rule(rule: Rule, *, now: datetime, alerting: Alerting, by: Actor = SYSTEM) -> None:
    """Delete a rule with its incidents; those that were open are over, as of one that is switched off."""
    with transaction.atomic():
        execute(reading.LOCK)
        _resolve_all(rule, "The rule was deleted.", alerting=alerting, now=now)
        deleted(rule, by=by)


def _resolve_all(rule: Rule, why: str, *, alerting: Alerting, now: datetime) -> None:
    """Call it while no tick is at work (reading.LOCK)."""
    going = Incident.objects.filter(rule=rule).unresolved().select_for_update(of=("self",))
    over = list(going.select_related("rule", "merchant"))
    Incident.objects.filter(pk__in=[one.pk for one in over]).update(
        state="resolved",
        resolved_at=now,
        resolved_by=BY_RULE,
        note=why,
        next_notice_at=None,
        snoozed_until=None,
    )
    tell_listeners(over, now=now)
    close_alerts(over, alerting=alerting, now=now)


def _change(rule: Rule, fields: Fields, kind: RuleKind) -> None:
    rule.enabled = read_flag(fields, "enabled", default=rule.enabled)
    if "severity" in fields:
        rule.severity = fields.choice("severity", rule.severity, options=Severity.values)
    if "parameters" in fields:
        rule.parameters = _parameters(fields, kind)
    if "policy_id" in fields:
        rule.policy = _policy(fields, rule.merchant)
    if "template_id" in fields:
        rule.template_id = _template(fields, rule.merchant, kind)


def _parameters(fields: Fields, kind: RuleKind) -> dict[str, int]:
    asked = fields.data["parameters"]
    names = [one.name for one in kind.parameters]
    inner = Fields(asked, names, f"{fields.pointer}/parameters")
    read = {
        one.name: inner.integer(one.name, one.default, minimum=one.minimum, maximum=one.maximum)
        for one in kind.parameters
        if one.name in inner
    }
    fields.problems += inner.problems
    return read


def _policy(fields: Fields, merchant: Merchant | None) -> EscalationPolicy | None:
    wanted = _id(fields, "policy_id")
    if wanted is None:
        return None
    policy = owned_by(EscalationPolicy, merchant).filter(pk=wanted).first()
    if policy is None:
        fields.refuse("policy_id", "unknown_policy", "must be the id of an escalation policy.")
    return policy


def _template(fields: Fields, merchant: Merchant | None, kind: RuleKind) -> UUID | None:
    wanted = _id(fields, "template_id")
    if wanted is None:
        return None
    if not kind.takes_template:
        fields.refuse("template_id", "not_allowed", f"does not go with kind {kind.name}.")
        return None
    known = Template.objects.all() if merchant is None else Template.objects.of(merchant)
    if not known.filter(pk=wanted).exists():
        fields.refuse("template_id", "unknown_template", "must be the id of a template.")
        return None
    return wanted


def _id(fields: Fields, name: str) -> UUID | None:
    if fields.data[name] is None:
        return None
    text = fields.text(name, longest=36)
    try:
        return UUID(text)
    except ValueError:
        if not fields.is_refused(name):
            fields.refuse(name, "invalid_id", "must be an id.")
        return None
