import pytest
from typer.testing import CliRunner

from ha import faults
from ha.__main__ import commands
from ha.lab.errors import LabFailed

CURES = {
    "power-off": "power-on",
    "freeze": "thaw",
    "cut": "heal",
    "slow": "heal",
    "give-disk": "take-disk",
    "fill-disk": "free-disk",
}


@pytest.mark.parametrize("group", [[], ["lab"]])
@pytest.mark.parametrize("word", faults.COMMANDS)
def test_every_fault_is_a_command_with_or_without_the_word_lab(word, group):
    shown = CliRunner().invoke(commands, [*group, word, "--help"])
    assert shown.exit_code == 0
    assert word in shown.output


@pytest.mark.parametrize("word", CURES)
def test_every_fault_that_lasts_has_a_command_that_cures_it(word):
    assert {word, CURES[word]} <= set(faults.COMMANDS)


@pytest.mark.parametrize("text", ["KILL", "sigkill", "9"])
def test_a_signal_may_be_called_by_its_name_or_number(text):
    assert faults._signal(text) == 9


def test_a_signal_that_does_not_exist_is_refused():
    with pytest.raises(LabFailed, match="there is no signal 'BOOM'"):
        faults._signal("BOOM")
