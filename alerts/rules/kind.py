"""The vocabulary of rule kinds: what one is, and what its statement answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple
from uuid import UUID

# What is found beyond so many subjects of one rule is one subject together.
MOST_SUBJECTS = 100
OTHERS = "others"


class Whose(StrEnum):
    """Who may have rules of a kind."""

    ANYBODY = "anybody"
    MERCHANTS = "merchants"
    PLATFORM = "platform"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A number that a rule of the kind may name; `column` is what the statement calls it."""

    name: str
    column: Literal["bound", "span", "least"]
    default: int
    minimum: int
    maximum: int
    explains: str


def nothing_else(_now: datetime) -> Mapping[str, Any]:
    """Return nothing: most statements take no more than all do."""
    return {}


@dataclass(frozen=True, kw_only=True)
class RuleKind:
    """A kind of rule.

    `find` answers Found rows of all enabled rules of the kind in one statement. When `standing`, it
    names all that is in trouble at this moment, so what it does not name any more is over; else it
    also reads new events, and `over` answers the ids of the incidents that are over. When `adds`, it
    answers new events only, whose counts add up; else the count is what it was last. `also`: what the
    statement takes besides, at a moment.
    """

    name: str
    title: str
    explains: str
    find: str
    whose: Whose = Whose.ANYBODY
    parameters: tuple[Parameter, ...] = ()
    takes_template: bool = False
    standing: bool = True
    adds: bool = False
    over: str = ""
    also: Callable[[datetime], Mapping[str, Any]] = nothing_else

    def columns(self, parameters: Mapping[str, Any]) -> dict[str, float]:
        """Return what the statement takes of a rule with these parameters."""
        read = dict.fromkeys(("bound", "span", "least"), 0.0)
        for one in self.parameters:
            read[one.column] = float(parameters.get(one.name, one.default))
        return read


class Found(NamedTuple):
    """One subject in trouble, as every `find` answers."""

    rule_id: UUID
    subject_key: str
    subject: str
    detail: str
    times: int
    first_at: datetime
    last_at: datetime
    job_id: UUID | None


# The enabled rules of a kind, as the first CTE of every `find`. `floor` is the lowest UUIDv7 of the
# moment `span` ago. A rule without a merchant is the platform's: it looks at everybody's.
RULES = """rule AS MATERIALIZED (
    SELECT * FROM unnest(%(rules)s::uuid[], %(merchants)s::uuid[], %(templates)s::uuid[],
                         %(bounds)s::float8[], %(spans)s::float8[], %(leasts)s::float8[],
                         %(floors)s::uuid[])
        AS given(id, merchant_id, template_id, bound, span, least, floor)
)"""

# Facts (a CTE `fact` with a merchant and a template) with the rules that look at them, and those rules' bounds. The
# two halves apart: an OR between them would compare each fact with each rule.
WATCHED = """watched AS (
    SELECT rule.id AS rule_id, rule.bound, fact.*
      FROM fact
      JOIN rule ON rule.merchant_id = fact.merchant_id
     WHERE rule.template_id IS NULL OR rule.template_id = fact.template_id
    UNION ALL
    SELECT rule.id, rule.bound, fact.*
      FROM fact
     CROSS JOIN rule
     WHERE rule.merchant_id IS NULL
       AND (rule.template_id IS NULL OR rule.template_id = fact.template_id)
)"""

# Of rules that found many subjects, those that have an incident keep it, then the largest get one, as
# long as the rule has no more than so many; the rest are one subject: a flood of new subjects, in one tick
# or in a hundred, makes neither a flood of incidents nor of messages. Index incident_one_open_per_subject.
# Takes a CTE `subject`.
FOLDED = f"""going AS MATERIALIZED (
    SELECT rule_id, subject_key
      FROM alerts_incident
     WHERE rule_id = ANY(%(rules)s::uuid[]) AND state <> 'resolved' AND subject_key <> '{OTHERS}'
), taken AS (
    SELECT rule_id, count(*) AS number FROM going GROUP BY rule_id
), ranked AS (
    SELECT subject.*, going.subject_key IS NOT NULL AS known,
           coalesce(taken.number, 0)
           + row_number() OVER (PARTITION BY subject.rule_id, going.subject_key IS NULL
                                ORDER BY subject.count DESC, subject.subject_key) AS place
      FROM subject
      LEFT JOIN going
        ON going.rule_id = subject.rule_id AND going.subject_key = subject.subject_key
      LEFT JOIN taken ON taken.rule_id = subject.rule_id
)
SELECT rule_id,
       CASE WHEN known OR place <= {MOST_SUBJECTS} THEN subject_key ELSE '{OTHERS}' END AS subject_key,
       CASE WHEN count(*) = 1 THEN min(subject) ELSE count(*) || ' others' END AS subject,
       min(detail) AS detail, sum(count)::bigint, min(first_at), max(last_at),
       (array_agg(job_id ORDER BY last_at DESC))[1]
  FROM ranked
 GROUP BY rule_id, 2
 ORDER BY rule_id, 2"""  # noqa: S608 - constants only

# Incidents about a template whose last run to end has succeeded since they were last seen, or that is
# gone: for each open one (unique index incident_one_open_per_subject) a look at the template's newest jobs
# (job_template_newest), at most 200 of them, so that a template with thousands of planned or skipped
# occurrences costs no more. The CASE keeps other subjects away from the cast, whatever the planner does.
SUCCEEDED_SINCE = """
SELECT incident.id
  FROM (SELECT id, last_seen,
               CASE WHEN subject_key LIKE 'template:%%' THEN substr(subject_key, 10)::uuid END AS template_id
          FROM alerts_incident
         WHERE rule_id = ANY(%(rules)s::uuid[]) AND state <> 'resolved') AS incident
  LEFT JOIN LATERAL (
       SELECT newest.status, newest.finalized_at
         FROM (SELECT job.id, job.status, job.finalized_at
                 FROM jobs_job AS job
                WHERE job.template_id = incident.template_id
                ORDER BY job.id DESC
                LIMIT 200) AS newest
        WHERE newest.status IN ('succeeded', 'failed')
        ORDER BY newest.finalized_at DESC
        LIMIT 1) AS last_run ON true
 WHERE incident.template_id IS NOT NULL
   AND (last_run.status = 'succeeded' AND last_run.finalized_at >= incident.last_seen
        OR NOT EXISTS (SELECT 1 FROM templates_app_template AS template
                        WHERE template.id = incident.template_id))
"""
