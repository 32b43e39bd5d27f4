"""What a step of the populator has to do: all that an idle one asks."""

from jobs.statements import depending, flowing, keying, overlapping, queueing

# One entry each of job_expiring, job_awaited_ended, job_shut, job_held, job_place_left, job_line_left,
# job_tells_line and job_keyed_not_in_line, empty unless somebody has to decide; then what
# flowing.ANYTHING reads. Five statements in one: on an idle machine a job waits for each of them.
SURVEY = f"""
SELECT (SELECT true FROM ({queueing.FIND_EXPIRED}) AS expired LIMIT 1) IS NOT NULL
    OR ({depending.ANYTHING})
    OR ({overlapping.ANYTHING})
    OR ({keying.ANYTHING}),
       ({flowing.ANYTHING})
"""  # noqa: S608 - constants only
