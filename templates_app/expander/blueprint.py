"""From a planned run to the job it becomes."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from jobs.handlers.registry import find_kind
from jobs.occurrence_rows import NewOccurrence
from templates_app.expander.due import DueTemplate, aware
from templates_app.placeholders import Context, Rendering, compile_payload
from templates_app.planning.plan import Run
from templates_app.recurrence.value import Recurrence


@dataclass(frozen=True)
class Press:
    """Makes a template's jobs. What is the same for all of them is worked out once."""

    template: DueTemplate
    recurrence: Recurrence

    def job(
        self,
        run: Run,
        *,
        run_at: datetime,
        missed_at: datetime | None,
        origin: str = "template",
        overlap: str | None = None,
    ) -> NewOccurrence:
        """Return the job of a run. Raises PlaceholderError, InvalidPayload, UnknownKind.

        `run_at` and `missed_at` are naive UTC.
        """
        template = self.template
        payload = self.payload(occurrence=run.named.scheduled, planned=run_at)
        kind = find_kind(template.kind)
        return NewOccurrence(
            merchant_id=template.merchant_id,
            template_id=template.id,
            occurrence_at=aware(run.occurrence_at),
            run_at=aware(run_at),
            kind=template.kind,
            handler=kind.handler(payload),
            lane=kind.lane(payload),
            payload=payload,
            priority=template.priority,
            max_attempts=template.max_attempts,
            timeout=template.timeout,
            backoff=template.backoff,
            name=template.name,
            tags=template.tags,
            metadata=template.metadata,
            missed_at=aware(missed_at) if missed_at is not None else None,
            overlap=template.overlap if overlap is None else overlap,
            concurrency_key=template.concurrency_key,
            concurrency_limit=template.concurrency_limit,
            occurrence_note=run.note,
            origin=origin,
        )

    def payload(self, *, occurrence: datetime, planned: datetime) -> Any:
        """Return the payload of one run, its placeholders filled in and checked again.

        Both moments are naive UTC.
        """
        if not self.template.has_placeholders or self._rendering.is_plain:
            return self.template.payload
        rendering = self._rendering
        previous = None
        if "previous_occurrence" in rendering.uses:
            previous = self.recurrence.previous(aware(occurrence))
        payload = rendering.render(
            self._context(
                aware(occurrence), aware(planned), previous.scheduled if previous else None
            )
        )
        find_kind(self.template.kind).validate(payload)
        return payload

    @cached_property
    def _rendering(self) -> Rendering:
        return compile_payload(self.template.payload)

    def _context(
        self, occurrence: datetime, planned: datetime, previous: datetime | None
    ) -> Context:
        template = self.template
        return Context(
            occurrence=occurrence,
            planned=planned,
            previous_occurrence=previous,
            template_id=str(template.id),
            template_name=template.name,
            merchant_slug=template.merchant_slug,
            merchant_name=template.merchant_name,
            timezone=self.recurrence.zone.name,
        )
