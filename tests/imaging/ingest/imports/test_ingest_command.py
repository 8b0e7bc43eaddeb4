"""`manage.py ingest` as an operator meets it: real files, a real archive, and every stray told."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Department
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.spool import Spool
from imaging.studies.models import Instance, Placement, Study
from tests.factories import arrivals
from tests.imaging.dimse import processes

pytestmark = pytest.mark.django_db(transaction=True)


def ingest(*arguments: str | Path, **options: Any) -> dict[str, Any]:
    """Run the command with `--json`; what it printed, and how it ended under "exit"."""
    out = io.StringIO()
    end = 0
    try:
        call_command("ingest", *map(str, arguments), "--json", stdout=out, stderr=io.StringIO(), **options)
    except CommandError as error:
        end = error.returncode
    return {**json.loads(out.getvalue()), "exit": end}


def test_a_disc_is_taken_in_whole(spool: Spool, emergency: Department, disc: Path) -> None:
    said = ingest(disc, "--department", "emergency")
    assert said["exit"] == 0
    assert said["outcomes"] == {"new": 31}
    assert said["missing"] == said["refused"] == []
    assert Instance.objects.count() == 31
    assert set(Placement.objects.values_list("department__code", flat=True)) == {"emergency"}
    assert not spool.entries()


def test_a_second_run_changes_nothing_and_says_so(spool: Spool, emergency: Department, disc: Path) -> None:
    ingest(disc, "--department", "emergency")
    out = io.StringIO()
    call_command("ingest", str(disc), "--department", "emergency", stdout=out, stderr=io.StringIO())
    assert "Nothing to do: all 31 objects were in the archive already." in out.getvalue()
    assert Instance.objects.count() == 31


def test_a_zip_of_the_disc_is_the_same_as_the_disc(
    spool: Spool, emergency: Department, disc: Path, disc_zip: Path
) -> None:
    said = ingest(disc_zip, "--department", "emergency")
    assert (said["exit"], said["outcomes"]) == (0, {"new": 31})
    assert {one["path"] for one in said["left_out"]} == {"disc.zip/AUTORUN.INF", "disc.zip/VIEWER.EXE"}
    assert ingest(disc, "--department", "emergency")["outcomes"] == {"duplicate": 31}


def test_one_bad_file_is_told_and_stops_nothing(
    spool: Spool, emergency: Department, tmp_path: Path, capsys: Any
) -> None:
    good = arrivals.encoded(arrivals.dataset())
    folder = tmp_path / "brought"
    folder.mkdir()
    (folder / "a.dcm").write_bytes(good)
    (folder / "b.dcm").write_bytes(good[:300])
    (folder / "c.dcm").write_bytes(b"no DICOM at all")
    (folder / "z.dcm").write_bytes(arrivals.encoded(arrivals.dataset()))
    with pytest.raises(CommandError, match="2 files were refused"):
        call_command("ingest", str(folder), "--department", "emergency", stdout=io.StringIO())
    told = capsys.readouterr().err
    assert "Refused: b.dcm: The file is cut short." in told
    assert "Refused: c.dcm: Not a DICOM object." in told
    assert Instance.objects.count() == 2


def test_a_dry_run_writes_nothing(spool: Spool, emergency: Department, disc: Path) -> None:
    said = ingest(disc, "--dry-run")
    assert (said["objects"], said["exit"]) == (31, 0)
    assert not Study.objects.exists()
    assert not spool.entries()
    assert not list(spool.incoming.iterdir())


def test_links_and_pipes_are_told_and_never_opened(spool: Spool, emergency: Department, tmp_path: Path) -> None:
    outside = tmp_path / "outside.dcm"
    outside.write_bytes(arrivals.encoded(arrivals.dataset()))
    folder = tmp_path / "brought"
    folder.mkdir()
    (folder / "link.dcm").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.dcm")
    said = ingest(folder, "--department", "emergency")
    assert {(one["path"], one["code"]) for one in said["refused"]} == {
        ("link.dcm", "symlink"),
        ("loop", "symlink"),
        ("pipe.dcm", "special_file"),
    }
    assert said["exit"] == 1
    assert not Instance.objects.exists()


def test_what_the_index_names_and_is_not_there_is_told(
    spool: Spool, emergency: Department, disc: Path, tmp_path: Path
) -> None:
    shutil.copytree(disc, tmp_path / "disc")
    (tmp_path / "disc" / "77654033" / "CR1" / "6154").unlink()
    said = ingest(tmp_path / "disc", "--department", "emergency")
    assert (said["missing"], said["exit"]) == (["77654033/CR1/6154"], 1)
    assert said["outcomes"] == {"new": 30}


def test_an_object_outside_the_index_is_taken_in_all_the_same(
    spool: Spool, emergency: Department, disc: Path, tmp_path: Path
) -> None:
    shutil.copytree(disc, tmp_path / "disc")
    (tmp_path / "disc" / "EXTRA").write_bytes(arrivals.encoded(arrivals.dataset()))
    assert ingest(tmp_path / "disc", "--department", "emergency")["outcomes"] == {"new": 32}


def test_a_disc_image_says_how_to_go_on(spool: Spool, tmp_path: Path, capsys: Any) -> None:
    image = tmp_path / "disc.iso"
    image.write_bytes(bytes(16 * 2048) + b"\x01CD001\x01" + bytes(3000))
    with pytest.raises(CommandError):
        call_command("ingest", str(image), stdout=io.StringIO())
    assert "An image of a disc (ISO) is not supported. Open it on your computer" in capsys.readouterr().err


def test_without_a_department_and_rules_objects_are_set_aside_and_that_is_said(spool: Spool, disc: Path) -> None:
    with pytest.raises(CommandError, match="31 objects are kept and set aside for a check"):
        call_command("ingest", str(disc), stdout=io.StringIO(), stderr=io.StringIO())
    assert QuarantinedObject.objects.count() == 31


def test_an_unknown_department_is_one_sentence(spool: Spool, emergency: Department, disc: Path) -> None:
    with pytest.raises(CommandError, match=r"no active department with the code “nowhere”\. There are: emergency"):
        call_command("ingest", str(disc), "--department", "nowhere")


def test_a_path_that_is_not_there_is_told(spool: Spool, tmp_path: Path) -> None:
    said = ingest(tmp_path / "nothing")
    assert [one["code"] for one in said["refused"]] == ["not_found"]


def test_a_name_cannot_write_to_the_terminal(spool: Spool, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "brought"
    folder.mkdir()
    (folder / "\x1b[2J\u202egpj.dcm").write_bytes(b"nothing")
    with pytest.raises(CommandError):
        call_command("ingest", str(folder), stdout=io.StringIO())
    told = capsys.readouterr().err
    assert "\x1b[2J" not in told
    assert "\u202e" not in told


def test_a_full_disk_stops_it_and_says_how_to_go_on(
    spool: Spool, emergency: Department, disc: Path, settings: Any
) -> None:
    settings.SPOOL_RESERVE = lambda total: 10 * total
    said = ingest(disc, "--department", "emergency")
    assert (said["stopped"], said["exit"]) == ("disk_full", 1)


@pytest.mark.processes
def test_ctrl_c_ends_it_cleanly_and_a_second_run_goes_on(
    emergency: Department, spool: Spool, data_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    study = arrivals.uid()
    for number in range(600):
        made = arrivals.dataset(StudyInstanceUID=study, InstanceNumber=number)
        (folder / f"{number:04}.dcm").write_bytes(arrivals.encoded(made))
    running = _in_a_process(folder, data_dir)
    while running.stderr is not None and not Instance.objects.exists() and running.poll() is None:
        pass
    running.send_signal(signal.SIGINT)
    _out, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "run the same command again to go on" in told
    assert not spool.entries()
    said = ingest(folder, "--department", "emergency")
    assert said["exit"] == 0
    assert Instance.objects.count() == 600


def _in_a_process(folder: Path, data_dir: Path) -> "subprocess.Popen[str]":
    """The command in a process of its own, on this test's database and folders."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "ingest", str(folder), "--department", "emergency"],
        cwd=processes.ROOT,
        env=processes.environment(data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_zip_that_unpacks_to_too_much_is_told_and_costs_nothing(spool: Spool, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made, made.open("zeros.dcm", "w", force_zip64=True) as one:
        for _ in range(1100):
            one.write(bytes(1024 * 1024))
    said = ingest(path)
    assert [one["code"] for one in said["refused"]] == ["unpacks_too_large"]
