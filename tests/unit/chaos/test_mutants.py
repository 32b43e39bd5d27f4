"""The mutants fit the engine as it is, and name aims and promises that exist."""

import shutil

import pytest

from taskflow.supervisor.processes import ROOT
from tests.chaos.mutants.aims import AIMS
from tests.chaos.mutants.catalogue import MUTANTS, DoesNotFit, Edit, Mutant, apply
from tests.chaos.promises import PROMISES


@pytest.fixture
def tree(tmp_path):
    """A copy of the files that mutants touch."""
    for path in {edit.path for mutant in MUTANTS for edit in mutant.edits}:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_and_leaves_valid_python(mutant, tree):
    apply(mutant, tree)
    for edit in mutant.edits:
        changed = (tree / edit.path).read_text()
        assert changed != (ROOT / edit.path).read_text()
        compile(changed, edit.path, "exec")


def test_there_are_ten_or_more_and_each_names_its_aim_and_promises():
    assert len(MUTANTS) >= 10
    for mutant in MUTANTS:
        assert mutant.aim in AIMS
        assert mutant.noticed_by
        assert set(mutant.noticed_by) <= set(PROMISES)


def test_a_mutant_whose_text_is_gone_says_so(tree):
    gone = Mutant(
        name="gone",
        aim="nothing",
        noticed_by=("no_phantom",),
        edits=(Edit("jobs/watcher.py", "text that stands nowhere", ""),),
    )
    with pytest.raises(DoesNotFit, match="0 times"):
        apply(gone, tree)


@pytest.mark.parametrize("aim", AIMS)
def test_an_aim_is_a_plan_that_strikes_within_its_time(aim):
    plan = AIMS[aim]()
    assert all(strike.at < plan.seconds for strike in plan.strikes)
