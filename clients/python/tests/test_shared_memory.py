# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Frames and pictures in shared memory, and what a client can do to it."""
import fcntl
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

import frameloom
from conftest import synthetic_frame
from frameloom import protocol
from frameloom.conventions import Conventions
from frameloom.messages import HEAD_DTYPE, header
from frameloom.planes import arrays_of, plan

FRAMES = [synthetic_frame(index) for index in range(6)]
LAYOUT = plan(arrays_of(FRAMES[0]))
PICTURE_BYTES = LAYOUT.width * LAYOUT.height * 4
PICTURE_OFFSET = 1 << 17
SLOT_BYTES = 1 << 18
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
SEAL_FUTURE_WRITE = 0x10  # fcntl has no name for it before Python 3.12
# FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
PUNCH_HOLE = 3


def render_all(path: str, **words) -> tuple[list[np.ndarray], frameloom.Session]:
    with frameloom.connect(path, **words) as session:
        return [picture.pixels for picture in session.stream(FRAMES)], session


def test_gives_the_bytes_of_the_socket(daemon):
    shared, session = render_all(daemon.socket)
    assert session._memory.is_shared
    inline, session = render_all(daemon.socket, shared_memory=False)
    assert not session._memory.is_shared
    assert all(map(np.array_equal, shared, inline))


def test_frames_do_not_go_through_the_socket(daemon):
    with frameloom.connect(daemon.socket) as session:
        session.render(**FRAMES[0])
        written: list[int] = []
        put = session._connection.put

        def note(*parts: bytes | memoryview) -> None:
            written.extend(map(len, parts))
            put(*parts)

        session._connection.put = note  # type: ignore[method-assign]
        session.render(**FRAMES[1])
    assert sum(written) < 1000


def test_an_older_daemon_is_spoken_to_inline(daemon, monkeypatch):
    """A bit that this daemon does not know stands for one that an older one does not."""
    monkeypatch.setattr(protocol, "FEATURE_SHARED_MEMORY", 1 << 62)
    pictures, session = render_all(daemon.socket)
    assert len(pictures) == 6 and not session._memory.is_shared


def test_another_size_is_shared_anew_and_keeps_the_history(daemon):
    large = synthetic_frame(1, 128, 96)
    with frameloom.connect(daemon.socket) as session:
        session.render(**FRAMES[0])
        first = session.render(**large)
        assert session._memory.is_shared and first.history_frame == 1
    with frameloom.connect(daemon.socket, shared_memory=False) as session:
        session.render(**FRAMES[0])
        assert np.array_equal(session.render(**large).pixels, first.pixels)


class RawSession:
    """A client that says what a test wants."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        record = Conventions(client_name="hostile").open_record(LAYOUT)
        self.send(header(protocol.OPEN, 0, record.nbytes).tobytes() + record.tobytes())
        kind, body, _, _ = self.receive()
        assert kind == protocol.OPENED
        self.slot_limit = int(np.frombuffer(body, protocol.opened_dtype)["max_frames_in_flight"][0]
                              ) + protocol.SPARE_SLOTS

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> tuple[int, bytes, bytes, int]:
        head = self.socket.recv(32, socket.MSG_WAITALL)
        assert len(head) == 32, "the daemon closed the connection"
        head = np.frombuffer(head, protocol.header_dtype)[0]
        body = self.socket.recv(int(head["body_bytes"]), socket.MSG_WAITALL)
        payload = self.socket.recv(int(head["payload_bytes"]), socket.MSG_WAITALL)
        return int(head["type"]), body, payload, int(head["flags"])

    def error(self) -> np.void:
        kind, body, _, _ = self.receive()
        assert kind == protocol.ERROR
        return np.frombuffer(body, protocol.error_dtype)[0]

    def announce(self, slot_bytes=SLOT_BYTES, offset=PICTURE_OFFSET, count=3) -> None:
        record = np.zeros((), protocol.share_dtype)
        record["slot_bytes"], record["picture_offset"] = slot_bytes, offset
        record["slot_count"] = count
        self.send(header(protocol.SHARE, 0, record.nbytes, 1).tobytes() + record.tobytes())

    def attach(self, *descriptors: int) -> None:
        socket.send_fds(self.socket, [b"\0"], descriptors)

    def share(self, descriptor: int) -> None:
        self.announce()
        self.attach(descriptor)
        assert self.receive()[0] == protocol.SHARED

    def frame(self, frame_id: int, slot: int) -> None:
        head = np.zeros((), HEAD_DTYPE)
        head["header"] = header(protocol.FRAME, protocol.FRAME_IN_SLOT,
                                protocol.frame_dtype.itemsize + 8, 0, frame_id)
        head["body"]["exposure"] = head["body"]["history_trust"] = 1
        self.send(head.tobytes() + np.array((slot, 0), protocol.slot_dtype).tobytes())


def memfd(byte_count: int = 3 * SLOT_BYTES, seals: int = SEALS) -> int:
    made = os.memfd_create("hostile", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(made, byte_count)
    fcntl.fcntl(made, fcntl.F_ADD_SEALS, seals)
    return made


@pytest.fixture
def hostile(daemon):
    """A raw session; afterwards the daemon serves others as before and has kept no descriptor."""
    folder = Path(f"/proc/{daemon._process.pid}/fd")
    before, _ = render_all(daemon.socket)
    made = RawSession(daemon.socket)
    yield made
    made.socket.close()
    after, _ = render_all(daemon.socket)
    assert all(map(np.array_equal, before, after))
    assert not [name for name in map(target, folder.iterdir()) if "hostile" in name]


def target(entry: Path) -> str:
    """What a descriptor leads to; nothing where it was closed meanwhile."""
    try:
        return os.readlink(entry)
    except FileNotFoundError:
        return ""


def payload() -> bytes:
    data = np.empty(LAYOUT.byte_count, np.uint8)
    LAYOUT.write(data, arrays_of(FRAMES[0]))
    return data.tobytes()


def with_frame(descriptor: int) -> int:
    for slot in range(3):
        os.pwrite(descriptor, payload(), slot * SLOT_BYTES)
    return descriptor


def test_wrong_descriptors_are_refused_and_the_session_goes_on(hostile):
    with tempfile.TemporaryFile() as file:
        file.truncate(3 * SLOT_BYTES)
        ends = os.pipe()
        for descriptor, field, words in [
            (file.fileno(), "", "no memfd"),
            (hostile.socket.fileno(), "", "no memfd"),
            (ends[0], "", "no memfd"),
            (memfd(seals=0), "", "seals"),
            (memfd(seals=fcntl.F_SEAL_SHRINK), "", "seals"),
            (memfd(seals=fcntl.F_SEAL_GROW), "", "seals"),
            (memfd(3 * SLOT_BYTES - 1), "slot_count", f"{3 * SLOT_BYTES - 1} bytes"),
            (memfd(0), "slot_count", "0 bytes"),
        ]:
            hostile.announce()
            hostile.attach(descriptor)
            error = hostile.error()
            assert error["code"] == protocol.ERROR_SHARED_MEMORY
            assert error["severity"] == protocol.SEVERITY_FRAME
            assert error["field"].decode() == field and words in error["text"].decode()
    hostile.share(with_frame(memfd()))
    hostile.frame(1, 0)
    assert hostile.receive()[3] & protocol.PICTURE_IN_SLOT


def test_no_descriptor_or_many_are_refused(hostile):
    for count in (0, 2, 3, 100):
        hostile.announce()
        if count:
            hostile.attach(*(memfd() for _ in range(count)))
        else:
            hostile.send(b"\0")
        error = hostile.error()
        assert error["code"] == protocol.ERROR_SHARED_MEMORY and error["limit"] == 1
        assert error["value"] == min(count, 4)
    # Attached to another byte it does not arrive at all.
    record = np.zeros((), protocol.share_dtype)
    record["slot_bytes"], record["picture_offset"], record["slot_count"] = 1 << 18, 1 << 17, 3
    message = header(protocol.SHARE, 0, record.nbytes, 1).tobytes() + record.tobytes() + b"\0"
    socket.send_fds(hostile.socket, [message], [memfd()])
    assert hostile.error()["value"] == 0


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"offset": LAYOUT.byte_count - 1}, "picture_offset"),
        ({"slot_bytes": PICTURE_OFFSET + PICTURE_BYTES - 1}, "slot_bytes"),
        ({"count": 0}, "slot_count"),
        ({"count": 8}, "slot_count"),
        ({"count": 2**32 - 1}, "slot_count"),
        ({"slot_bytes": 1 << 40}, "slot_count"),
    ],
)
def test_slots_that_do_not_fit_are_refused_by_field(hostile, words, field):
    assert hostile.slot_limit == 7
    hostile.announce(**words)
    hostile.attach(memfd())
    assert hostile.error()["field"].decode() == field


def test_a_client_cannot_shrink_what_it_shared(hostile):
    descriptor = with_frame(memfd())
    hostile.share(descriptor)
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    hostile.frame(1, 2)
    assert hostile.receive()[3] & protocol.PICTURE_IN_SLOT
    picture = np.frombuffer(os.pread(descriptor, PICTURE_BYTES, 2 * SLOT_BYTES + PICTURE_OFFSET),
                            np.uint8)
    assert len(set(picture.tolist())) > 16


def test_memory_that_turns_read_only_gets_its_pictures_inline(hostile):
    descriptor = with_frame(memfd())
    hostile.share(descriptor)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEAL_FUTURE_WRITE)
    hostile.frame(1, 0)
    kind, _, pixels, flags = hostile.receive()
    assert kind == protocol.PICTURE and not flags & protocol.PICTURE_IN_SLOT
    assert len(pixels) == PICTURE_BYTES and len(set(pixels)) > 16


def test_a_client_may_unmap_and_close_with_frames_in_flight(hostile, daemon):
    descriptor = memfd()
    mapping = mmap.mmap(descriptor, 3 * SLOT_BYTES)
    for slot in range(3):
        mapping[slot * SLOT_BYTES:slot * SLOT_BYTES + LAYOUT.byte_count] = payload()
    hostile.share(descriptor)
    for slot in range(3):
        hostile.frame(slot + 1, slot)
    mapping.close()
    os.close(descriptor)
    pictures, _ = render_all(daemon.socket)
    assert len(pictures) == len(FRAMES)
    for _ in range(3):
        kind, _, _, flags = hostile.receive()
        assert kind == protocol.PICTURE and flags & protocol.PICTURE_IN_SLOT


def test_a_client_may_die_with_frames_in_flight(daemon):
    """As `kill -9`: its mapping, descriptor and socket go at once."""
    before, _ = render_all(daemon.socket)
    client = """if True:
        import os, signal, sys
        import frameloom
        from conftest import synthetic_frame
        session = frameloom.connect(sys.argv[1], client_name="mortal")
        session.render(**synthetic_frame(0, 512, 384))
        assert session._memory.is_shared
        for index in range(session.opened.max_in_flight):
            session.submit(**synthetic_frame(index, 512, 384))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run = subprocess.run([sys.executable, "-c", client, daemon.socket], timeout=120,
                         env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    assert run.returncode == -signal.SIGKILL
    after, _ = render_all(daemon.socket)
    assert all(map(np.array_equal, before, after))
    end = time.monotonic() + 30
    while "mortal" in daemon.run("sessions", "--json").stdout:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_holes_and_rewriting_hurt_nobody_else(hostile):
    import ctypes

    descriptor = with_frame(memfd())
    hostile.share(descriptor)
    libc = ctypes.CDLL(None, use_errno=True)
    noise = np.random.default_rng(3).integers(0, 256, SLOT_BYTES, dtype=np.uint8).tobytes()
    for frame_id in range(1, 9):
        hostile.frame(frame_id, frame_id % 3)
        # Slots that are the daemon's: nobody promised a useful picture.
        os.pwrite(descriptor, noise, frame_id % 3 * SLOT_BYTES)
        assert libc.fallocate(descriptor, PUNCH_HOLE, ctypes.c_long(0),
                              ctypes.c_long(3 * SLOT_BYTES)) == 0
    # Never released: all in one slot, none waited for.
    for _ in range(8):
        assert hostile.receive()[0] == protocol.PICTURE


def test_planes_that_were_never_written_are_not_made_by_reading_them(hostile):
    descriptor = memfd()
    hostile.share(descriptor)
    hostile.frame(1, 1)
    assert hostile.receive()[0] == protocol.PICTURE
    # The first bytes that exist are those of the picture.
    assert os.lseek(descriptor, 0, os.SEEK_DATA) >= SLOT_BYTES + PICTURE_OFFSET


def test_unknown_slots_are_the_frames_error(hostile):
    hostile.share(with_frame(memfd()))
    for frame_id, slot in [(1, 3), (2, 2**32 - 1)]:
        hostile.frame(frame_id, slot)
        error = hostile.error()
        assert error["field"] == b"slot.slot" and error["limit"] == 2
    hostile.frame(3, 2)
    assert hostile.receive()[0] == protocol.PICTURE


def test_a_frame_in_a_slot_needs_shared_memory(hostile):
    hostile.frame(1, 0)
    error = hostile.error()
    assert error["code"] == protocol.ERROR_UNEXPECTED_MESSAGE
    assert error["severity"] == protocol.SEVERITY_SESSION


def test_a_client_that_never_sends_the_descriptor_waits_alone(hostile):
    hostile.announce()
