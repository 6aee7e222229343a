# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A daemon that breaks the protocol is an error that says how, never a wrong picture."""
import contextlib
import socket
import threading

import numpy as np
import pytest

import frameloom
from conftest import synthetic_frame
from frameloom import protocol
from frameloom.messages import header


def opened(payload: int = 96 * 64 * 12, in_flight: int = 2) -> bytes:
    body = np.zeros((), protocol.opened_dtype)
    body["payload_bytes"], body["max_frames_in_flight"] = payload, in_flight
    return header(protocol.OPENED, 0, body.nbytes).tobytes() + body.tobytes()


def picture(frame_id: int, payload: int, **fields: int) -> bytes:
    body = np.zeros((), protocol.picture_dtype)
    for name, value in {"width": 96, "height": 64, "row_stride": 384, "format": 1,
                        **fields}.items():
        body[name] = value
    return header(protocol.PICTURE, 0, body.nbytes, payload, frame_id).tobytes() + body.tobytes()


@pytest.fixture
def scripted(tmp_path_factory):
    """Answers FL_OPEN with the first bytes and the first frame with the second ones."""
    folder = tmp_path_factory.mktemp("s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "s"))
    listener.listen()
    listener.settimeout(30)

    def serve(answers: list[bytes]) -> None:
        with listener.accept()[0] as peer:
            peer.settimeout(30)
            for answer in answers:
                head = np.frombuffer(peer.recv(32, socket.MSG_WAITALL), protocol.header_dtype)[0]
                rest = int(head["body_bytes"] + head["payload_bytes"])
                peer.recv(rest, socket.MSG_WAITALL)
                peer.sendall(answer)
            with contextlib.suppress(ConnectionResetError):
                peer.recv(1)

    threads = []

    def start(*answers: bytes) -> str:
        threads.append(threading.Thread(target=serve, args=(list(answers),)))
        threads[-1].start()
        return str(folder / "s")

    yield start
    for thread in threads:
        thread.join(60)
    listener.close()


PIXELS = 96 * 64 * 4


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", "magic"),
        (np.array((protocol.MAGIC, 2, 66, 0, 0, 0, 1), protocol.header_dtype).tobytes(),
         "version"),
        (header(99).tobytes(), "type"),
        (header(protocol.PICTURE, 0, 8, PIXELS, 1).tobytes(), "body_bytes"),
        (header(protocol.PICTURE, 0, 1 << 20, PIXELS, 1).tobytes(), "body_bytes"),
        (picture(1, PIXELS + 4), "payload_bytes"),
        (picture(1, 0), "payload_bytes"),
        (picture(9, PIXELS), "frame_id"),
        (picture(1, PIXELS, width=95) + bytes(PIXELS), "width"),
        (header(protocol.ERROR, 0, 344, 5).tobytes(), "payload_bytes"),
        (header(protocol.ERROR, 0, 344, 0, 9).tobytes() + bytes(344), "frame_id"),
        (opened(), "type"),
    ],
)
def test_what_was_not_agreed_is_a_protocol_error(scripted, answer, field):
    with pytest.raises(frameloom.ProtocolError) as caught:
        with frameloom.connect(scripted(opened(), answer), timeout=30) as session:
            session.render(**synthetic_frame(0))
    assert caught.value.field == field


def test_a_good_answer_of_the_scripted_daemon_is_a_picture(scripted):
    """Proof that the errors above come of what was changed."""
    good = picture(1, PIXELS) + bytes(range(256)) * (PIXELS // 256)
    closed = header(protocol.CLOSED).tobytes()
    with frameloom.connect(scripted(opened(), good, closed), timeout=30) as session:
        pixels = session.render(**synthetic_frame(0)).pixels
    assert pixels.reshape(-1)[:256].tolist() == list(range(256))


def test_silence_ends_at_the_timeout(scripted):
    with pytest.raises(frameloom.WaitTimeoutError) as caught:
        with frameloom.connect(scripted(opened(), b""), timeout=0.5) as session:
            session.render(**synthetic_frame(0))
    assert caught.value.limit == 0.5
