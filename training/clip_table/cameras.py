# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Cases: camera.json."""

import json

import numpy as np

from clip_table.cases import accept, camera, camera_edit, frame_key, planar_metres, refuse


def add_cameras() -> None:
    for name, prefix in [("no byte-order mark", b""), ("a byte-order mark", b"\xef\xbb\xbf")]:
        accept(f"camera.json: {name}", camera_edit(
            lambda stated: prefix + json.dumps(stated).encode()))
    accept("camera.json: comments", camera_edit(
        lambda stated: stated.update(comment="made by hand", _tool={"a": [1]})))
    accept("camera.json: no width and height", frame_key(width=KeyError, height=KeyError))
    accept("camera.json: more cameras than frames", camera_edit(
        lambda stated: stated["frames"].append(camera(2))))

    def far_away(clip):
        for number, raw in enumerate(p["Depth"] for p in clip.planes):
            clip.answer[number]["Depth"] = planar_metres(raw, far=np.inf)
    for name, value in [("0", 0), ("absent", KeyError), ("null", None)]:
        accept(f"camera.json: far is {name}: infinite", camera_edit(
            lambda stated: [f.update(far=value) if value is not KeyError else f.pop("far")
                            for f in stated["frames"]] and None, far_away))

    def near_far(clip):
        for number, raw in enumerate(p["Depth"] for p in clip.planes):
            clip.answer[number]["Depth"] = planar_metres(raw, far=50)
    accept("camera.json: far is 50: surfaces end there", camera_edit(
        lambda stated: [f.update(far=50) for f in stated["frames"]] and None, near_far))
    accept("camera.json: jitter", frame_key(jitter=[0.4, -0.3]))
    accept("camera.json: projection perspective", frame_key(projection="perspective"))
    accept("camera.json: its convention said", camera_edit(
        lambda stated: stated.update(cameraConvention="OpenGL: -Z forward, +Y up")))
    add_refused_cameras()


def add_refused_cameras() -> None:
    place = "frames[0]"
    matrix = camera(0)["camera_to_world"]
    row = lambda index, values: [values if i == index else r for i, r in enumerate(matrix)]
    m = f"{place}.camera_to_world"
    for name, keys, sentence in [
            ("a missing number", {"fx": KeyError}, f"{place}.fx is missing"),
            ("a missing frame number", {"frame": KeyError}, f"{place}.frame is missing"),
            ("a text for a number", {"fy": "6"}, f"{place}.fy is not a number"),
            ("true for a number", {"cx": True}, f"{place}.cx is not a number"),
            ("half a frame", {"frame": 0.5},
             f"{place}.frame 0.5 is no whole number from -999999999 to 999999999"),
            ("a focal length of 0", {"fx": 0},
             f"{place}.fx 0 is not above 0 and at most 1000000 pixels"),
            ("a center far away", {"cx": 2000000},
             f"{place}.cx 2000000 is not within 1000000 pixels"),
            ("a negative near plane", {"near": -1},
             f"{place}.near -1 is not 0 to 1000000000 metres"),
            ("near beyond far", {"near": 100, "far": 50}, f"{place}.near 100 is not below far 50"),
            ("a size of another clip", {"width": 70},
             "the camera of frame 0 is for 70x5 pixels, the planes have 7x5"),
            ("an orthographic camera", {"projection": "orthographic"},
             f'{place}.projection "orthographic" is not supported ("perspective")'),
            ("an unknown key", {"cameraToWorld": 1}, f"{place}.cameraToWorld is not known; the "
             "nearest known key is camera_to_world"),
            ("a key nearly known", {"jiter": [0, 0]},
             f"{place}.jiter is not known; the nearest known key is jitter"),
            ("jitter of one number", {"jitter": [0.5]},
             f"{place}.jitter is not two numbers from -16 to 16"),
            ("jitter of a screen", {"jitter": [99, 0]},
             f"{place}.jitter is not two numbers from -16 to 16"),
            ("three rows", {"camera_to_world": matrix[:3]}, f"{m} is not 4 rows of 4 numbers"),
            ("a text in a row", {"camera_to_world": row(1, [0, "1", 0, 2])},
             f"{m} is not 4 rows of 4 numbers"),
            ("a transposed matrix", {"camera_to_world": np.array(matrix).T.tolist()},
             f"{m}: the last row is not 0, 0, 0, 1 (transposed?)"),
            ("a scaled matrix", {"camera_to_world": row(1, [0, 2, 0, 2])},
             f"{m}: the first three rows are no rotation (scaled or sheared?)"),
            ("a mirrored matrix", {"camera_to_world": row(1, [0, -1, 0, 2])},
             f"{m} mirrors (its determinant is -1, not 1)"),
            ("a place far away", {"camera_to_world": row(1, [0, 1, 0, 2e9])},
             f"{m} holds a number that is too large")]:
        refuse(f"camera.json: {name}", "camera.json", sentence, frame_key(**keys))
    for name, edit, sentence in [
            ("a frame short", lambda s: s["frames"].pop() and None, "frame 1 has no camera"),
            ("a frame twice", lambda s: s["frames"].append(camera(1)), "frame 1 is there twice"),
            ("no format", lambda s: s.pop("format") and None, "format is missing"),
            ("another format", lambda s: s.update(format="nerf"),
             'format "nerf" is not known ("frameloom-clip-1" is)'),
            ("another convention", lambda s: s.update(cameraConvention="OpenCV"),
             'cameraConvention "OpenCV" is not supported ("OpenGL" is: -Z forward, +Y up)'),
            ("no frames", lambda s: s.pop("frames") and None, "frames is missing"),
            ("frames by name", lambda s: s.update(frames={"0": camera(0)}),
             "frames is not a list"),
            ("an unknown key at the top", lambda s: s.update(frame_rate=24),
             "frame_rate is not known; the nearest known key is frames"),
            ("a rate of 0", lambda s: s.update(fps=0), "fps 0 is not above 0 and at most 1000000"),
            ("UTF-16", lambda s: json.dumps(s).encode("utf-16"), "is UTF-16; write it as UTF-8"),
            ("Latin-1", lambda s: json.dumps(s).encode().replace(b"24", b'"\xe4"'),
             "is not UTF-8"),
            ("no JSON", lambda s: b"frames: 3", "is not valid JSON"),
            ("half of it", lambda s: json.dumps(s).encode()[:-9], "is not valid JSON"),
            ("a comma too many", lambda s: json.dumps(s).encode()[:-1] + b",}",
             "is not valid JSON"),
            ("a number with a leading zero", lambda s: json.dumps(s).encode().replace(
                b'"fps": 24', b'"fps": 024'), "is not valid JSON"),
            ("levels without end", lambda s: b"[" * 999 + b"]" * 999, "is not valid JSON"),
            ("a list", lambda s: json.dumps(s["frames"]).encode(), "is not a JSON object"),
            ("Infinity", lambda s: json.dumps(s).encode().replace(b'"far": 100', b'"far": Infinity'),
             "holds Infinity, which is no JSON number; leave far out, or write 0, where it is "
             "infinite"),
            ("a number too large", lambda s: json.dumps(s).encode().replace(
                b'"far": 100', b'"far": 1e999'), "frames[0].far is too large"),
            ("a key twice", lambda s: json.dumps(s).encode().replace(
                b'"fx": 6.5', b'"fx": 6.5, "fx": 7'), "frames[0].fx is there twice")]:
        refuse(f"camera.json: {name}", "camera.json", sentence, camera_edit(edit))
