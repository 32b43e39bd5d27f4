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


def test_lines_of_an_attempt_outlive_its_process_and_not_its_ticket():
    slots = Slots(2)
    slot, neighbour = occupied(slots, 0, JOB, 7), occupied(slots, 1, OTHER, 8)
    slots.keep_line(0, 7, "first\nin two lines")
    slots.keep_line(0, 7, "\N{WATER WAVE}")
    slots.keep_line(1, 8, "neighbour")
    assert slots.lines(slot) == ("first\nin two lines", "\N{WATER WAVE}")
    assert slots.lines(neighbour) == ("neighbour",)
    slots.vacate(0)
    assert slots.lines(occupied(slots, 0, OTHER, 9)) == ()


def test_lines_beyond_the_room_are_counted_and_touch_no_neighbour():
    slots = Slots(2)
    slot, neighbour = occupied(slots, 0, JOB, 7), occupied(slots, 1, OTHER, 8)
    slots.keep_line(1, 8, "neighbour")
    for _ in range(40):
        slots.keep_line(0, 7, "x" * 2000)
    kept = slots.lines(slot)
    assert kept[:-1] == ("x" * 2000,) * 32
    assert kept[-1] == "… 8 more lines were dropped"
    assert slots.lines(neighbour) == ("neighbour",)
