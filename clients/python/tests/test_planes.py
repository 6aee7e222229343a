# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Arrays in the bytes of a frame's payload."""

import numpy as np
import pytest

from frameloom import ArgumentError, protocol
from frameloom.planes import arrays_of, plan


def frame(**planes):
    one = np.ones((32, 40), np.float32)
    return {"base_color": np.zeros((32, 40, 3), np.uint8),
            "normals": np.zeros((32, 40, 3), np.float32), "depth": one, "roughness": one, **planes}


def written(arrays):
    layout = plan(arrays)
    payload = np.full(layout.byte_count, 7, np.uint8)
    layout.write(payload, arrays)
    plane = layout.plane("emissive")
    return plane, layout.view(payload, plane)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_emissive_light_is_sent_as_halves(channels, dtype):
    light = np.linspace(0, 2, 32 * 40 * channels).reshape(32, 40, channels).astype(dtype)
    plane, found = written(arrays_of(frame(emissive=light)))
    assert (plane.kind, plane.format.number) == (protocol.EMISSIVE, protocol.RGBA16F)
    assert found.shape == (32, 40, 4)
    assert np.array_equal(found[..., :3], light[..., :3].astype(np.float16))


@pytest.mark.parametrize("channels, number", [(3, protocol.RGB8_SRGB), (4, protocol.RGBA8_SRGB)])
def test_emissive_bytes_are_sent_as_they_are(channels, number):
    colors = np.arange(32 * 40 * channels).reshape(32, 40, channels).astype(np.uint8)
    plane, found = written(arrays_of(frame(emissive=colors)))
    assert plane.format.number == number and np.array_equal(found, colors)


def test_emissive_of_one_channel_is_refused():
    with pytest.raises(ArgumentError, match="emissive is float linear or uint8 sRGB"):
        plan(arrays_of(frame(emissive=np.zeros((32, 40), np.float32))))
