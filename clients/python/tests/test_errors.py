# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Errors say field, value and limit."""
import numpy as np
import pytest

import frameloom
from conftest import synthetic_frame


def test_nobody_listens():
    with pytest.raises(frameloom.NoDaemonError, match="no daemon listens") as caught:
        frameloom.connect("/nonexistent/frames.sock")
    assert isinstance(caught.value, ConnectionError)


def test_too_long_a_socket_path():
    with pytest.raises(frameloom.NoDaemonError, match="too long"):
        frameloom.connect("/tmp/" + "a" * 120)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"depth": None}, "depth", "missing"),
        ({"metalic": np.zeros((64, 96), np.float32)}, "metalic", "has no metalic"),
        ({"depth": np.zeros((96, 64), np.float32)}, "depth", "64x96 pixels, base_color 96x64"),
        ({"depth": np.zeros((64, 96), np.int32)}, "depth", "int32"),
        ({"depth": np.zeros((64, 96), np.uint16)}, "depth_scale", "metres"),
        ({"camera": frameloom.Camera(1, 1, 0, 0, np.zeros((3, 4)))}, "camera_to_world", "4x4"),
    ],
)
def test_arguments_that_cannot_be_sent(daemon, change, field, words):
    with frameloom.connect(daemon.socket) as session:
        with pytest.raises(frameloom.ArgumentError, match=words) as caught:
            session.submit(**{**synthetic_frame(0), **change})
        assert caught.value.field == field
        session.render(**synthetic_frame(0))


def test_a_small_picture_is_refused_with_the_limit(daemon):
    with frameloom.connect(daemon.socket) as session:
        with pytest.raises(frameloom.ArgumentError) as caught:
            session.render(**synthetic_frame(0, 16, 64))
    assert (caught.value.field, caught.value.value, caught.value.limit) == ("width", 16, 32)


def test_what_the_daemon_refuses_names_field_value_and_limit(daemon):
    with frameloom.connect(daemon.socket, depth_scale=-1) as session:
        with pytest.raises(frameloom.RefusedError) as caught:
            session.render(**synthetic_frame(0))
    assert (caught.value.name, caught.value.field, caught.value.value) == (
        "VALUE", "depth_scale", -1)
    assert str(caught.value).count("depth_scale") >= 1

    with frameloom.connect(daemon.socket, model="nowhere") as session:
        with pytest.raises(frameloom.RefusedError, match="nowhere") as caught:
            session.render(**synthetic_frame(0))
    assert caught.value.name == "MODEL"


def test_a_frame_that_fails_takes_its_place_and_the_session_goes_on(daemon):
    good = synthetic_frame(0)
    pose = np.diag([2.0, 1, 1, 1])
    bad = {**good, "camera": frameloom.Camera(100, 100, 48, 32, pose)}
    with frameloom.connect(daemon.socket) as session:
        session.render(**good)
        with pytest.raises(frameloom.FrameError) as caught:
            session.render(**bad)
        assert (caught.value.frame_id, caught.value.name) == (2, "CAMERA")
        session.submit(**bad)
        last = session.submit(**good)
        taken, failed = [], []
        while session.in_flight or not (taken and failed):
            try:
                taken += [picture.frame_id for picture in session.pictures()]
            except frameloom.FrameError as error:
                failed.append(error.frame_id)
        assert (taken, failed) == ([last], [3])


def test_more_frames_than_agreed_are_refused_until_pictures_are_taken(daemon):
    with frameloom.connect(daemon.socket) as session:
        with pytest.raises(frameloom.FullError) as caught:
            for index in range(40):
                session.submit(**synthetic_frame(index))
        assert session.opened is not None
        assert caught.value.limit == session.opened.max_in_flight
        assert len(list(session.pictures())) == session.opened.max_in_flight
        session.render(**synthetic_frame(41))


def test_frame_ids_grow(daemon):
    with frameloom.connect(daemon.socket) as session:
        assert session.submit(**synthetic_frame(0), frame_id=7) == 7
        with pytest.raises(frameloom.ArgumentError) as caught:
            session.submit(**synthetic_frame(0), frame_id=7)
        assert (caught.value.field, caught.value.limit) == ("frame_id", 7)
        list(session.pictures())


def test_scales_and_texts_are_checked():
    from frameloom.conventions import Conventions
    from frameloom.planes import arrays_of, plan

    layout = plan(arrays_of(synthetic_frame(0)))
    for conventions, field, limit in [
        (Conventions(control_scale=5), "control_scale", 4),
        (Conventions(model="m" * 64), "model", 63),
        (Conventions(seed=-1), "seed", 2**64 - 1),
    ]:
        with pytest.raises(frameloom.ArgumentError) as caught:
            conventions.open_record(layout)
        assert (caught.value.field, caught.value.limit) == (field, limit)
    with pytest.raises(frameloom.ArgumentError, match="latest"):
        Conventions(mailbox="newest").open_record(layout)  # type: ignore[arg-type]
