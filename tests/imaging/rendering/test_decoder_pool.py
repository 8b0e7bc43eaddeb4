"""The pool is given hostile pictures, killed and flooded: one image is lost at most, and the next one is drawn."""

import contextlib
import io
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from imaging.dicom import uids
from imaging.dicom.errors import DecodeFailed
from imaging.dicom.frame_description import FrameDescription
from imaging.rendering import protocol
from imaging.rendering.decoder import Busy, Client, Unavailable
from imaging.rendering.protocol import Lane, Message
from tests.decoder_pools import Pool

GREY = FrameDescription(rows=64, columns=48)
PIXELS = np.linspace(0, 4095, 64 * 48).astype("<u2").tobytes()
BOX = (256, 256)
J2K = "1.2.840.10008.1.2.4.90"


def draw(pool: Pool, lane: Lane = Lane.PERSON, **options: Any) -> Any:
    return Client(pool.path, lane=lane).picture(PIXELS, GREY, box=BOX, **options)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("media_type", ["image/webp", "image/jpeg", "image/png"])
def test_a_frame_comes_back_as_the_picture_asked_for(shared_pool: Pool, media_type: str) -> None:
    picture = draw(shared_pool, media_type=media_type)

    image = PIL.Image.open(io.BytesIO(picture.data))
    assert image.get_format_mimetype() == picture.media_type == media_type
    assert image.size == (picture.width, picture.height) == (48, 64)


def test_pixels_that_are_not_square_are_stretched(shared_pool: Pool) -> None:
    picture = draw(shared_pool, aspect=2.0)

    assert (picture.width, picture.height) == (48, 128)


def test_the_socket_is_for_this_account_only(shared_pool: Pool) -> None:
    assert shared_pool.path.stat().st_mode & 0o077 == 0


def test_decoders_have_no_network_and_no_privileges(shared_pool: Pool) -> None:
    probe = ["unshare", "--net", "true"] if os.geteuid() == 0 else ["unshare", "--user", "--net", "true"]
    may_leave = subprocess.run(probe, check=False, capture_output=True).returncode == 0
    for child in shared_pool.children():
        status = Path(f"/proc/{child}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert os.geteuid() != 0 or "Uid:\t65534\t65534\t65534\t65534" in status
        interfaces = Path(f"/proc/{child}/net/dev").read_text().splitlines()[2:]
        assert not may_leave or [line.split(":")[0].strip() for line in interfaces] in ([], ["lo"])
        limits = Path(f"/proc/{child}/limits").read_text()
        assert "Max open files            64" in limits
        assert "Max address space         unlimited" not in limits


@pytest.mark.parametrize(
    ("description", "source"),
    [
        pytest.param(FrameDescription(rows=60000, columns=60000), PIXELS, id="rows and columns that lie"),
        pytest.param(GREY.replaced(rows=65, columns=49), PIXELS, id="fewer bytes than the header says"),
        pytest.param(GREY.replaced(transfer_syntax_uid=J2K), b"\xff\x4f\xff\x51" + os.urandom(5000), id="garbage"),
        pytest.param(GREY.replaced(transfer_syntax_uid="1.2.840.10008.1.2.5"), os.urandom(900), id="garbage RLE"),
        pytest.param(GREY.replaced(transfer_syntax_uid="1.2.840.10008.1.2.4.80"), b"", id="nothing at all"),
    ],
)
def test_a_hostile_frame_costs_itself_only(shared_pool: Pool, description: FrameDescription, source: bytes) -> None:
    with pytest.raises(DecodeFailed):
        Client(shared_pool.path).picture(source, description, box=BOX)

    assert draw(shared_pool).width == 48


def test_a_deflated_frame_is_never_inflated_beyond_its_header(shared_pool: Pool) -> None:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(50_000_000)) for _ in range(8)) + packer.flush()  # 400 MB out of 400 kB

    description = GREY.replaced(transfer_syntax_uid=uids.DEFLATED_IMAGE_FRAME)
    picture = Client(shared_pool.path).picture(bomb, description, box=BOX)

    assert (picture.width, picture.height) == (48, 64)


def test_a_codestream_that_claims_gigapixels_is_refused_before_memory_is_taken(shared_pool: Pool) -> None:
    small = np.zeros((64, 48), np.uint16)
    stream = bytearray(imagecodecs.jpeg2k_encode(small, codecformat="j2k", reversible=True))
    size = stream.index(b"\xff\x51") + 6
    stream[size : size + 8] = struct.pack(">II", 60000, 60000)

    started = time.monotonic()
    with pytest.raises(DecodeFailed):
        Client(shared_pool.path).picture(bytes(stream), GREY.replaced(transfer_syntax_uid=J2K), box=BOX)

    assert time.monotonic() - started < 5
    assert draw(shared_pool).width == 48


def test_a_killed_decoder_costs_one_image(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "1")
    (child,) = pool.children()
    os.kill(child, signal.SIGSTOP)
    with ThreadPoolExecutor() as threads:
        lost = threads.submit(draw, pool)
        # The supervisor hands the request over although the child stands still; then it is killed with it.
        until(lambda: _is_handed_over(pool))
        os.kill(child, signal.SIGKILL)

        with pytest.raises(DecodeFailed, match="SIGKILL"):
            lost.result(20)

    assert draw(pool).width == 48
    assert pool.children() != [child]


def _is_handed_over(pool: Pool) -> bool:
    """The supervisor holds a client's connection that it no longer listens to: its child has it."""
    folder = Path(f"/proc/{pool.process.pid}")
    links = pool.descriptors()
    sockets = {name for name, target in links.items() if target.startswith("socket:")}
    epoll = next(name for name, target in links.items() if "eventpoll" in target)
    heard = {line.split()[1] for line in (folder / "fdinfo" / epoll).read_text().splitlines() if line.startswith("tfd")}
    return len(sockets - heard) == 1 and len(sockets) == 3  # the listener, the child's control socket, the client


def test_a_decoder_that_hangs_is_ended_and_replaced(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "1", "--wall", "0.6")
    os.kill(pool.children()[0], signal.SIGSTOP)

    with pytest.raises(DecodeFailed, match="took too long"):
        draw(pool)

    assert draw(pool).width == 48
    assert "one image is lost" in pool.stop()


def test_a_full_queue_says_busy_at_once(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "1")
    (child,) = pool.children()
    os.kill(child, signal.SIGSTOP)
    with contextlib.ExitStack() as stack:
        crowd = []
        for number in range(65 + 10):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            waiting.connect(str(pool.path))
            # Some are refused before they have said all.
            with contextlib.suppress(BrokenPipeError):
                protocol.send(waiting, Message({"operation": "ping"}, lane=Lane.PERSON))
            crowd.append(waiting)
            if number == 0:
                until(lambda: _is_handed_over(pool))  # or it takes one of the places in which the others wait

        with pytest.raises(Busy):
            draw(pool)

        os.kill(child, signal.SIGCONT)
        answers = [protocol.receive(waiting).header for waiting in crowd]
    assert sum(answer["ok"] for answer in answers) == 65, "one at work, and those who waited"
    assert {answer.get("code") for answer in answers if not answer["ok"]} == {"busy"}
    assert draw(pool).width == 48


def test_a_person_is_served_before_the_background(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "1")
    (child,) = pool.children()
    os.kill(child, signal.SIGSTOP)
    order: list[str] = []
    large = FrameDescription(rows=2000, columns=2000)
    pixels = bytes(large.native_bytes)

    def ask(lane: Lane) -> None:
        Client(pool.path, lane).picture(pixels, large, box=BOX)
        order.append(lane.name)

    threads = [threading.Thread(target=ask, args=(lane,)) for lane in [Lane.BACKGROUND] * 5 + [Lane.PERSON]]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        until(lambda number=number: pool.sockets() == 2 + number)
    os.kill(child, signal.SIGCONT)
    for thread in threads:
        thread.join(20)

    assert order.index("PERSON") <= 2, "only what had been handed over before may come first"


def test_decoders_are_replaced_after_a_while_without_losing_a_picture(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "2", "--pictures", "5")
    before = set(pool.children())

    with ThreadPoolExecutor(4) as threads:
        pictures = list(threads.map(lambda _: draw(pool), range(60)))

    assert {picture.width for picture in pictures} == {48}
    assert not before & set(pool.children())


def test_a_restart_of_the_pool_is_waited_for(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "1")
    pool.kill()
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(draw, pool, Lane.BACKGROUND)
        pool.restart()

        assert asked.result(60).width == 48


def test_decoders_die_with_the_pool(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "2")
    children = pool.children()

    pool.kill()

    until(lambda: not any(_is_alive(child) for child in children))


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_pool_that_is_gone_is_told_from_a_bad_image(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "1")
    pool.stop()

    with pytest.raises(Unavailable):
        draw(pool)
    assert not pool.path.exists()


def test_a_second_pool_at_the_same_place_says_so(shared_pool: Pool) -> None:
    command = [sys.executable, "-m", "imaging.rendering.decoder_pool", "--socket", str(shared_pool.path)]

    second = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)

    assert second.returncode == 1
    assert second.stderr.startswith("ERROR decoder pool: Another decoder pool listens")
    assert draw(shared_pool).width == 48
