"""RFC 5545 recurrence rules: nominal local times, from any start in microseconds.

Instants, clock changes and time zones are `templates_app.recurrence.timeline`'s; here a zone
only serves to compare UNTIL with local times and to read dates that carry an offset.
"""

from templates_app.recurrence.rrule.dayrule import DayRule
from templates_app.recurrence.rrule.frequency import FREQUENCIES, WEEKDAYS, Frequency, Weekday
from templates_app.recurrence.rrule.moments import Written
from templates_app.recurrence.rrule.rule import Rule, parse_rule
from templates_app.recurrence.rrule.ruleset import RuleSet, parse_set, read_set

__all__ = [
    "FREQUENCIES",
    "WEEKDAYS",
    "DayRule",
    "Frequency",
    "Rule",
    "RuleSet",
    "Weekday",
    "Written",
    "parse_rule",
    "parse_set",
    "read_set",
]
