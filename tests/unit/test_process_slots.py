"""What a child of the process lane leaves for its parent to see."""

from uuid import UUID

from jobs.executor.slots import Slots

JOB, OTHER = UUID(int=1), UUID(int=2)


def occupied(slots, index, job_id, ticket):
    slots.occupy(index, pid=1, job_id=job_id, ticket=ticket, deadline=1.0)
    return next(slot for slot in slots.occupied() if slot.index == index)


def test_latest_progress_of_each_child_is_seen():
    slots = Slots(2)
    first, second = occupied(slots, 0, JOB, 7), occupied(slots, 1, OTHER, 8)
    slots.report(0, 7, 10, "begun")
    slots.report(0, 7, 90, "nearly done")
    assert slots.progress(first) == (90, "nearly done")
    assert slots.progress(second) is None


def test_progress_of_an_earlier_attempt_is_not_the_next_ones():
    slots = Slots(1)
    occupied(slots, 0, JOB, 7)
    slots.report(0, 7, 90, "nearly done")
    slots.vacate(0)
    assert slots.progress(occupied(slots, 0, OTHER, 8)) is None


def test_note_with_the_widest_characters_fits_and_a_longer_one_is_cut_between_characters():
    slots = Slots(2)
    slot, neighbour = occupied(slots, 0, JOB, 7), occupied(slots, 1, OTHER, 8)
    slots.report(1, 8, 5, "neighbour")
    slots.report(0, 7, 100, "\N{WATER WAVE}" * 200)
    assert slots.progress(slot) == (100, "\N{WATER WAVE}" * 200)
    slots.report(0, 7, 100, "x" + "\N{WATER WAVE}" * 300)
    assert slots.progress(slot) == (100, "x" + "\N{WATER WAVE}" * 199)
    assert slots.progress(neighbour) == (5, "neighbour")
    assert slots.given_order(0, 7) == 0
