"""What an attempt's context keeps, and within which bounds."""

import logging
import threading

import pytest

from jobs.handlers.context import MAX_LOG, MAX_LOG_LINES, AttemptContext
from jobs.handlers.text import shown, storable
from tests.handlers_kit import make_attempt


def context(timeout: float = 60.0) -> AttemptContext:
    return AttemptContext(make_attempt({}, timeout=timeout))


def test_logger_keeps_formatted_lines_in_order_from_info_up() -> None:
    kept = context()
    kept.logger.debug("not kept")
    kept.logger.info("order %s of %d", "A", 7)
    kept.logger.warning("slow")
    kept.log("plain")
    try:
        int("broken")
    except ValueError:
        kept.logger.exception("failed")
    lines = kept.taken_log()
    assert lines[:3] == ("INFO order A of 7", "WARNING slow", "plain")
    assert lines[3].startswith("ERROR failed\nTraceback")


def test_line_whose_arguments_do_not_fit_is_kept_unformatted() -> None:
    kept = context()
    kept.logger.info("%d items", "many")
    assert kept.taken_log() == ("INFO %d items",)


def test_job_loggers_are_not_registered_for_the_life_of_the_process() -> None:
    kept = context()
    kept.logger.info("x")
    assert kept.logger.name not in logging.Logger.manager.loggerDict


def test_lines_beyond_the_bounds_are_only_counted() -> None:
    many = context()
    for number in range(MAX_LOG_LINES + 5):
        many.log(str(number))
    assert len(many.taken_log()) == MAX_LOG_LINES + 1
    assert many.taken_log()[-1] == "… 5 more lines were dropped"

    long = context()
    for _ in range(100):
        long.log("x" * 10_000)
    assert sum(map(len, long.taken_log()[:-1])) <= MAX_LOG


def test_text_that_postgresql_refuses_is_replaced() -> None:
    kept = context()
    kept.log("a\x00b\ud800c")
    assert kept.taken_log() == ("a\ufffdb\ufffdc",)
    assert storable("☃\U0001f600\udfff", 10) == "☃\U0001f600\ufffd"
    assert shown("a\nb\x1b", 10) == "a\\nb\\x1b"


def test_progress_is_taken_once_and_only_the_last() -> None:
    kept = context()
    assert kept.taken_progress() is None
    kept.progress(10, "first")
    kept.progress(50, "half\x00")
    assert kept.taken_progress() == (50, "half\ufffd")
    assert kept.taken_progress() is None
    with pytest.raises(ValueError, match="0 and 100"):
        kept.progress(101)


def test_handler_sees_the_wish_to_stop_from_another_thread() -> None:
    kept = context()
    assert kept.cancelled() is False
    thread = threading.Thread(target=kept.ask_to_stop)
    thread.start()
    thread.join()
    assert kept.cancelled() is True


def test_own_limit_only_brings_the_deadline_forward() -> None:
    kept = context(timeout=60)
    before = kept.deadline
    kept.limit_to(600)
    assert kept.deadline == before
    kept.limit_to(1)
    assert kept.deadline < before
    assert kept.remaining() <= 1


def test_lines_of_many_threads_are_all_kept() -> None:
    kept = context()

    def many_lines() -> None:
        for _ in range(100):
            kept.log("x")

    threads = [threading.Thread(target=many_lines) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.taken_log() == ("x",) * 800
