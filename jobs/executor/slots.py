"""What the process lane's children do right now, in memory that their parent sees too.

The parent survives what kills a child, so it can tell within a heartbeat which attempt was lost or
is overdue. One slot a child; only its child fills and clears it, only the parent writes orders.
"""

import mmap
import struct
from dataclasses import dataclass
from uuid import UUID

# worker id, stopping
_HEADER = struct.Struct("=16s?")
# occupied, pid, job id, ticket, deadline (monotonic seconds), finished attempts
_SLOT = struct.Struct("=?q16sqdq")
# order, ticket that it is meant for
_ORDER = struct.Struct("=bq")
# complete, ticket, percent, bytes of the note, the note
_PROGRESS = struct.Struct("=?qBH800s")
_NOTE = 800
_ORDER_AT = 64
_PROGRESS_AT = _ORDER_AT + 16
_STRIDE = _PROGRESS_AT + 832
# ticket, bytes used, lines dropped; then each line after its length
_LOG = struct.Struct("=qII")
_LENGTH = struct.Struct("=H")
_LOG_STRIDE = 64 * 1024

# Slots a child's number may use in turn.
REPLACEMENTS = 8

NONE, CANCEL, RELEASE = 0, 1, 2

# The deadline of what is being claimed: it may be this worker's by its row already.
CLAIMING = float("inf")


@dataclass(frozen=True, kw_only=True)
class Occupied:
    """A child at work. `deadline` is on the machine's monotonic clock; CLAIMING until it has begun."""

    index: int
    pid: int
    job_id: UUID
    ticket: int
    deadline: float

    @property
    def claims(self) -> bool:
        """Whether the child has asked for the attempt, and does not run it yet."""
        return self.deadline == CLAIMING


class Slots:
    """Shared between a parent and the children it forks after making this."""

    def __init__(self, children: int) -> None:
        self.size = size = children * REPLACEMENTS
        # Anonymous and shared: survives fork, vanishes with the last process.
        self._memory = mmap.mmap(-1, 64 + size * _STRIDE)
        # Takes memory only where something was logged.
        self._logs = mmap.mmap(-1, size * _LOG_STRIDE)

    @property
    def worker_id(self) -> UUID | None:
        """The worker to claim as; None while the process is nobody's worker."""
        worker_id = UUID(bytes=_HEADER.unpack_from(self._memory, 0)[0])
        return worker_id if worker_id.int else None

    @property
    def stopping(self) -> bool:
        return bool(_HEADER.unpack_from(self._memory, 0)[1])

    def claim_as(self, worker_id: UUID | None) -> None:
        """Tell the children who they are."""
        self._memory[: _HEADER.size - 1] = worker_id.bytes if worker_id else bytes(16)

    def stop(self) -> None:
        """Tell the children to claim nothing more."""
        self._memory[_HEADER.size - 1] = 1

    def free_index(self, child: int) -> int:
        """Return a slot for the child that Celery numbers `child`.

        A replaced child has its predecessor's number, whose slot may still tell the parent what
        the predecessor ran: the next one is taken then.
        """
        lanes = self.size // REPLACEMENTS
        candidates = [child % lanes + lanes * turn for turn in range(REPLACEMENTS)]
        taken = {slot.index for slot in self.occupied()}
        return next((index for index in candidates if index not in taken), candidates[0])

    def occupy(self, index: int, *, pid: int, job_id: UUID, ticket: int, deadline: float) -> None:
        """Say that this child now runs this attempt."""
        offset = self._offset(index)
        finished = _SLOT.unpack_from(self._memory, offset)[5]
        # The first byte, which says that the rest counts, is written last and cleared first: the
        # other process reads at any moment.
        _SLOT.pack_into(self._memory, offset, False, pid, job_id.bytes, ticket, deadline, finished)
        self._memory[offset] = 1

    def vacate(self, index: int) -> None:
        """Say that the attempt is over and recorded."""
        self._clear(index, ended=1)

    def let_go(self, index: int) -> None:
        """Say that this child does not run what it meant to."""
        self._clear(index, ended=0)

    def _clear(self, index: int, *, ended: int) -> None:
        offset = self._offset(index)
        finished = _SLOT.unpack_from(self._memory, offset)[5]
        self._memory[offset] = 0
        _SLOT.pack_into(self._memory, offset, False, 0, bytes(16), 0, 0.0, finished + ended)

    def occupied(self) -> list[Occupied]:
        """Return the children at work."""
        found = []
        for index in range(self.size):
            offset = self._offset(index)
            read = _SLOT.unpack_from(self._memory, offset)
            busy, pid, job_id, ticket, deadline, _ = read
            # Two reads that agree: one alone may be half old, half new.
            if busy and pid > 0 and read == _SLOT.unpack_from(self._memory, offset):
                found.append(
                    Occupied(
                        index=index,
                        pid=pid,
                        job_id=UUID(bytes=job_id),
                        ticket=ticket,
                        deadline=deadline,
                    )
                )
        return found

    def finished(self) -> int:
        """Return how many attempts all children ended."""
        return sum(
            _SLOT.unpack_from(self._memory, self._offset(index))[5] for index in range(self.size)
        )

    def still(self, slot: Occupied) -> bool:
        """Tell whether the child is at the same attempt as when the slot was read."""
        return slot in self.occupied()

    def order(self, slot: Occupied, order: int) -> None:
        """Leave an order for the child about this attempt; a signal makes it look."""
        _ORDER.pack_into(self._memory, self._offset(slot.index) + _ORDER_AT, order, slot.ticket)

    def given_order(self, index: int, ticket: int) -> int:
        """Return the order left about the attempt with this ticket."""
        order, meant_for = _ORDER.unpack_from(self._memory, self._offset(index) + _ORDER_AT)
        return int(order) if meant_for == ticket else NONE

    def report(self, index: int, ticket: int, percent: int, note: str) -> None:
        """Leave the progress of the attempt with this ticket; a longer note is cut."""
        # At a whole character: what is left of a cut one does not decode.
        text = note.encode()[:_NOTE].decode(errors="ignore").encode()
        offset = self._offset(index) + _PROGRESS_AT
        # As in `occupy`: the first byte is cleared first and written last.
        self._memory[offset] = 0
        _PROGRESS.pack_into(self._memory, offset, False, ticket, percent, len(text), text)
        self._memory[offset] = 1

    def progress(self, slot: Occupied) -> tuple[int, str] | None:
        """Return the progress last reported of the slot's attempt: percent and note."""
        offset = self._offset(slot.index) + _PROGRESS_AT
        read = _PROGRESS.unpack_from(self._memory, offset)
        if read != _PROGRESS.unpack_from(self._memory, offset):
            return None
        complete, ticket, percent, length, note = read
        if not complete or ticket != slot.ticket:
            return None
        return percent, note[:length].decode(errors="replace")

    def keep_line(self, index: int, ticket: int, line: str) -> None:
        """Keep a line of the attempt with this ticket for when its process dies; 64 KiB in all."""
        start = index * _LOG_STRIDE
        logged, used, dropped = _LOG.unpack_from(self._logs, start)
        if logged != ticket:
            used = dropped = 0
        text = line.encode(errors="replace")
        room = _LOG_STRIDE - _LOG.size - used
        if _LENGTH.size + len(text) > room:
            _LOG.pack_into(self._logs, start, ticket, used, dropped + 1)
            return
        place = start + _LOG.size + used
        _LENGTH.pack_into(self._logs, place, len(text))
        place += _LENGTH.size
        self._logs[place : place + len(text)] = text
        # Last: a process that dies in between has not kept the line.
        _LOG.pack_into(self._logs, start, ticket, used + _LENGTH.size + len(text), dropped)

    def lines(self, slot: Occupied) -> tuple[str, ...]:
        """Return the lines kept of the slot's attempt; meant for when its process has ended."""
        start = slot.index * _LOG_STRIDE
        logged, used, dropped = _LOG.unpack_from(self._logs, start)
        if logged != slot.ticket:
            return ()
        found, place, end = [], start + _LOG.size, start + _LOG.size + used
        while place < end:
            (length,) = _LENGTH.unpack_from(self._logs, place)
            place += _LENGTH.size
            found.append(self._logs[place : place + length].decode(errors="replace"))
            place += length
        if dropped:
            found.append(f"… {dropped} more lines were dropped")
        return tuple(found)

    def _offset(self, index: int) -> int:
        return 64 + index * _STRIDE
