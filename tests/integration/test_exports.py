"""Weeks are exported before they are dropped: completely, or they stay."""

import hashlib
import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from backports import zstd
from django.core.management import CommandError, call_command

from jobs.archiver import archive, exporting, stepping
from jobs.models import AnyJob
from jobs.retention import Retention
from tests.factories.jobs import NOW
from tests.integration.archive_kit import ended, is_archived, tables_like

pytestmark = pytest.mark.django_db
WEEK = "jobs_archivedjob_20260330_retired_20260601120000"


@pytest.fixture
def retention(tmp_path):
    return Retention(archive_after=86_400, days=30, export=str(tmp_path / "exports"))


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(exporting, "PART_ROWS", 2)


def run(retention, monkeypatch):
    monkeypatch.setattr(stepping, "database_now", lambda: NOW)
    return list(stepping.steps(retention))


def manifest_of(retention):
    return json.loads((Path(retention.export) / WEEK / "manifest.json").read_text())


def exported(retention):
    """Return the rows of the export, after checking each part against the manifest."""
    rows = []
    for part in manifest_of(retention)["parts"]:
        data = (Path(retention.export) / WEEK / part["file"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (part["bytes"], part["sha256"])
        lines = [json.loads(line) for line in zstd.decompress(data).split(b"\n")[:-1]]
        assert len(lines) == part["rows"]
        assert (lines[0]["id"], lines[-1]["id"]) == (part["first_id"], part["last_id"])
        rows += lines
    return rows


def sixty_days_old(number):
    """Return the rows of jobs of one week; their texts try to break lines and quotes."""
    awkward = 'line\nbreak\u2028 "quoted" \\n \x7f \N{SNOWMAN}'
    ids = [ended(60, name=f"{awkward} {n}", payload={"text": awkward}).pk for n in range(number)]
    return {str(row["id"]): row for row in AnyJob.objects.filter(pk__in=ids).values()}


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_all_rows_of_a_week_are_exported_before_it_is_dropped(
    retention, small_parts, monkeypatch, number
):
    wanted = sixty_days_old(number)
    bystander = ended(2)
    steps = run(retention, monkeypatch)
    rows = exported(retention)
    assert {row["id"] for row in rows} == set(wanted)
    assert len(rows) == number == sum(step.exported_rows for step in steps)
    for row in rows:
        stored = wanted[row["id"]]
        assert (row["name"], row["payload"]) == (stored["name"], stored["payload"])
    manifest = manifest_of(retention)
    assert (manifest["complete"], manifest["rows"]) == (True, number)
    assert (manifest["first_id"], manifest["last_id"]) == (min(wanted), max(wanted))
    assert [name for step in steps for name in step.dropped] == [WEEK]
    assert list(AnyJob.objects.values_list("pk", flat=True)) == [bystander.pk]


def test_exports_are_for_their_owner_only(retention, monkeypatch):
    sixty_days_old(1)
    run(retention, monkeypatch)
    folder = Path(retention.export) / WEEK
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
    assert {one.name for one in folder.iterdir()} == {"manifest.json", "part-000001.jsonl.zst"}


class Killed(BaseException):
    """Stands for the end of the process at this very place."""


@pytest.mark.parametrize("place", ["in a part", "before the manifest", "before the drop"])
def test_an_archiver_that_is_killed_goes_on_behind_the_last_complete_part(
    retention, small_parts, monkeypatch, place
):
    wanted = sixty_days_old(5)
    archive(NOW, retention)  # the first part of three
    with monkeypatch.context() as patch:
        if place == "in a part":
            patch.setattr(exporting._Counted, "write", kill)
        elif place == "before the manifest":
            patch.setattr(exporting, "_with", kill)
        else:
            patch.setattr("jobs.archiver.retiring.drop", kill)
        with pytest.raises(Killed):
            run(retention, monkeypatch)
    assert tables_like("%\\_retired\\_%") == {WEEK}
    again = run(retention, monkeypatch)
    assert {row["id"] for row in exported(retention)} == set(wanted)
    assert len(exported(retention)) == 5
    assert [name for step in again for name in step.dropped] == [WEEK]


def kill(*_):
    raise Killed


def test_a_week_whose_export_fails_stays_and_says_why(retention, monkeypatch):
    wanted = sixty_days_old(2)
    Path(retention.export).write_text("a file where the folder should be")
    young = ended(2)
    failed = archive(NOW, retention)
    assert failed.failure.startswith(f"{WEEK} could not be exported to {retention.export}: ")
    assert (failed.dropped, failed.more, is_archived(young)) == ((), False, True)
    assert tables_like("%\\_retired\\_%") == {WEEK}
    Path(retention.export).unlink()
    run(retention, monkeypatch)
    assert {row["id"] for row in exported(retention)} == set(wanted)


def test_an_export_whose_file_was_lost_begins_anew(retention, small_parts, monkeypatch):
    wanted = sixty_days_old(3)
    archive(NOW, retention)
    (Path(retention.export) / WEEK / "part-000001.jsonl.zst").unlink()
    run(retention, monkeypatch)
    assert {row["id"] for row in exported(retention)} == set(wanted)


def test_the_command_ends_with_the_reason_of_a_failed_export(retention, settings, monkeypatch):
    sixty_days_old(1)
    settings.TASKFLOW_RETENTION = retention
    monkeypatch.setattr(stepping, "database_now", lambda: NOW)
    Path(retention.export).write_text("a file where the folder should be")
    with pytest.raises(CommandError, match="could not be exported"):
        call_command("archive", stdout=StringIO())
