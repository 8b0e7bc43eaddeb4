"""The supervisor, with real processes: what dies comes back, and when it goes everything goes."""

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.serve.journal import Journal
from portal.serve.supervisor import LONGEST_LINE
from tests.portal.processes import Running, eventually, mentioning, python, running, variables

pytestmark = pytest.mark.processes

Supervise = Callable[..., Running]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    """`supervise(name="script", …)` runs the supervisor over these children."""
    with ExitStack() as stack:

        def start(niceness: int = 0, **scripts: str) -> Running:
            table = tmp_path / "table.json"
            table.write_text(
                json.dumps([{"name": name, "script": script, "niceness": niceness} for name, script in scripts.items()])
            )
            command = python("-m", "tests.portal.serve.small_supervisor", str(tmp_path), str(table))
            program = stack.enter_context(running(command, variables(), tmp_path / "output"))
            program.says("ready")
            return program

        yield start


def pids(program: Running, word: str) -> list[int]:
    return [int(number) for number in re.findall(rf"{word} (\d+)", program.output)]


def test_lines_carry_the_name_of_who_speaks(supervise: Supervise, tmp_path: Path) -> None:
    program = supervise(web="echo hello; echo oops >&2; exec sleep 60")
    program.says("web        oops")
    assert re.search(r"^\d\d:\d\d:\d\d web        hello$", program.output, re.MULTILINE)
    assert "web        hello" in (tmp_path / "negatoscope.log").read_text()


def test_what_can_wait_steps_back_for_those_who_wait(supervise: Supervise) -> None:
    program = supervise(niceness=6, short="echo nice $(nice); exec sleep 60")
    program.says(f"short      nice {os.nice(0) + 6}")


def test_a_killed_child_is_started_again_and_the_log_says_so(supervise: Supervise) -> None:
    program = supervise(web="echo pid $$; exec sleep 60")
    program.says("pid ")
    os.kill(pids(program, "pid")[0], signal.SIGKILL)
    program.says("web ended (by SIGKILL): starting it again")
    eventually(lambda: len(pids(program, "pid")) == 2)


def test_a_child_that_keeps_dying_is_told_with_what_to_do(supervise: Supervise) -> None:
    program = supervise(web="echo no configuration; exit 3")
    program.says("web ended 4 times in a row (status 3): its lines above and in ", seconds=20)
    assert "comes back by itself" in program.output


def test_what_a_dead_child_had_started_goes_with_it(supervise: Supervise) -> None:
    program = supervise(web="sleep 61 & echo grandchild $!; echo pid $$; wait")
    program.says("pid ")
    grandchild = pids(program, "grandchild")[0]
    os.kill(pids(program, "pid")[0], signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{grandchild}/cwd").exists() or gone(grandchild))


def gone(pid: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_leaves_nothing(supervise: Supervise, tmp_path: Path, number: signal.Signals) -> None:
    program = supervise(
        web="exec sleep 62",
        stubborn="trap '' TERM INT; while :; do sleep 0.1; done",
        parent="sleep 63 & sleep 64 & wait",
        runaway="setsid sleep 65 & exec sleep 66",
    )
    eventually(lambda: len(mentioning(str(tmp_path))) >= 7)
    assert program.ends(number) == 0
    assert "stubborn did not stop in time and is ended." in program.output
    eventually(lambda: not mentioning(str(tmp_path)), 2)


def test_a_killed_supervisor_leaves_nothing(supervise: Supervise, tmp_path: Path) -> None:
    program = supervise(
        web="exec sleep 62",
        parent="sleep 63 & sleep 64 & wait",
        runaway="setsid sleep 65 & exec sleep 66",
    )
    eventually(lambda: len(mentioning(str(tmp_path))) >= 6)
    program.popen.kill()
    program.popen.wait()
    eventually(lambda: not mentioning(str(tmp_path)), 9)


def test_a_killed_guardian_is_replaced_with_the_next_start(supervise: Supervise, tmp_path: Path) -> None:
    program = supervise(web="echo pid $$; sleep 67 & wait")
    guardians = [line for line in mentioning("guardian.py") if f"test-{program.popen.pid}" in line]
    os.kill(int(guardians[0].split()[0]), signal.SIGKILL)
    program.says("pid ")
    os.kill(pids(program, "pid")[0], signal.SIGKILL)
    eventually(lambda: len(pids(program, "pid")) == 2)
    program.popen.kill()
    program.popen.wait()
    eventually(lambda: not mentioning(str(tmp_path)), 9)


def test_control_characters_of_a_child_never_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    journal = Journal(tmp_path, sys.stdout)
    journal.say("one\x1b[31m red\x1b]0;title\x07\ttwo\r\x00", "web")
    journal.close()
    shown = capsys.readouterr().out
    assert shown.endswith("web        one red]0;title two\n")
    assert not set(shown) & {"\x1b", "\x07", "\r", "\x00"}


def test_the_log_can_be_json(capsys: pytest.CaptureFixture) -> None:
    journal = Journal(None, sys.stdout, as_json=True)
    journal.say('a "line"', "web")
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["line"]) == ("web", 'a "line"')


def test_a_very_long_line_is_passed_on_in_pieces(supervise: Supervise) -> None:
    program = supervise(web="head -c 100000 /dev/zero | tr '\\0' x; exec sleep 60")
    # What is left of it waits for its end or for more.
    eventually(lambda: program.output.count("x") >= 100_000 - LONGEST_LINE)
