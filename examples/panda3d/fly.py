# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Flies through the atrium in Panda3D while Frameloom lights it.

    python fly.py                      a recorded path, without a window; pictures in panda3d-1 ...
    python fly.py --window             by keyboard: W A S D, Q E, arrows; Escape ends

Panda3D draws base color, normals, depth, roughness, metallic and emitted light into four targets, the
Python client sends them, the daemon (it must run) answers with the finished picture.
"""
import argparse
import json
import math
import pathlib
import time

import frameloom
import numpy as np
from panda3d import core
from PIL import Image

import environment
import gbuffer

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", default=REPOSITORY / "walk/environment/atrium.glb")
    parser.add_argument("--clip", type=pathlib.Path, default=REPOSITORY / "Clips/atrium-flight",
                        help="folder whose camera.json is flown, and whose pictures are compared")
    parser.add_argument("--frames", type=int, help="only so many of the path")
    parser.add_argument("--size", type=int, help="pixels of a side; by default the clip's, 512 in a window")
    parser.add_argument("--samples", type=int,
                        help="per side of a pixel; by default 3, in a window 1, which a processor averages in time")
    parser.add_argument("--socket", help="of the daemon; by default where it listens")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the pictures; in a window there is none by default")
    parser.add_argument("--window", action="store_true", help="fly by keyboard")
    stated = parser.parse_args()
    stated.samples = stated.samples or (1 if stated.window else 3)
    return stated


def configure(is_windowed):
    settings = [
        "gl-version 3 3", "coordinate-system yup-right",  # as glTF and the daemon have it
        "audio-library-name null", "sync-video false", "textures-power-2 none", "window-title Frameloom",
        "load-display " + ("pandagl" if is_windowed else "p3headlessgl"),
        "window-type " + ("onscreen" if is_windowed else "offscreen"),
    ]
    core.loadPrcFileData("", "\n".join(settings))


def make_output(width, height, is_windowed):
    engine = core.GraphicsEngine.getGlobalPtr()
    pipe = core.GraphicsPipeSelection.getGlobalPtr().makeDefaultPipe()
    if pipe is None:
        raise SystemExit("Panda3D finds no OpenGL: install libegl1 and libgl1-mesa-dri")
    flags = core.GraphicsPipe.BFRequireWindow if is_windowed else core.GraphicsPipe.BFRefuseWindow
    output = engine.makeOutput(
        pipe, "Frameloom", 0, core.FrameBufferProperties.getDefault(),
        core.WindowProperties.size(width, height), flags)
    if output is None:
        raise SystemExit("Panda3D cannot open its output")
    return engine, output


def camera_of(drawn, matrix, fx, fy, width, height):
    """Places Panda3D's camera and says the same to Frameloom."""
    drawn.lens.setNearFar(0.05, 300)
    drawn.lens.setFov(*(2 * math.degrees(math.atan(side / 2 / f)) for side, f in ((width, fx), (height, fy))))
    drawn.camera.setMat(core.LMatrix4(*np.asarray(matrix).T.flatten()))
    return frameloom.Camera(fx, fy, width / 2, height / 2, np.asarray(matrix, np.float64), 0.05, 163.8)


def fly_recorded(options):
    cameras = json.loads((options.clip / "camera.json").read_text())["frames"][:options.frames]
    width = options.size or cameras[0]["width"]
    height = options.size or cameras[0]["height"]
    engine, output = make_output(width, height, False)
    drawn = load_gbuffer(options, engine, output, width, height)
    ask_for_emissive(drawn, options.socket)
    out = options.out or new_folder("panda3d")
    out.mkdir(parents=True, exist_ok=True)

    def frames():
        for camera in cameras:
            scale = width / camera["width"]
            pose = camera_of(
                drawn, camera["camera_to_world"], camera["fx"] * scale, camera["fy"] * scale, width, height)
            yield {**drawn.draw(), "camera": pose}

    errors = []
    start = time.monotonic()
    with frameloom.connect(options.socket, depth_scale=gbuffer.DEPTH_SCALE, far=163.8, client_name="Panda3D") as session:
        for camera, picture in zip(cameras, session.stream(frames())):
            picture.save(out / f"Rendered_{camera['frame']:04}.png")
            name = f"FinalImage/FinalImage_{camera['frame']:04}.png"
            if (options.clip / name).exists():
                with Image.open(options.clip / name) as image:
                    reference = np.asarray(image.convert("RGB").resize((width, height)), np.float64)
                errors.append(((picture.pixels[..., :3] - reference) ** 2).mean())
    print(f"{len(cameras)} frames in {time.monotonic() - start:.1f} s: {out}")
    if errors:
        ratios = 10 * np.log10(255 ** 2 / np.array(errors))
        print(f"PSNR to the path-traced reference: mean {ratios.mean():.2f} dB, lowest {ratios.min():.2f} dB")


def fly_by_keyboard(options):
    from direct.showbase.ShowBase import ShowBase

    width = height = options.size or 512
    core.loadPrcFileData("", f"win-size {width} {height}")
    try:
        base = ShowBase(windowType="onscreen")
    except Exception as error:  # Panda3D has no narrower one
        raise SystemExit(f"Panda3D opens no window (DISPLAY, libgl1, libgl1-mesa-dri): {error}")
    drawn = load_gbuffer(options, base.graphicsEngine, base.win, width, height)
    ask_for_emissive(drawn, options.socket)
    # The picture fills the window; the scene itself is never shown.
    picture = core.Texture()
    picture.setup2dTexture(width, height, core.Texture.T_unsigned_byte, core.Texture.F_rgba)
    card = core.CardMaker("picture")
    card.setFrameFullscreenQuad()
    base.render2d.attachNewNode(card.generate()).setTexture(picture)
    base.accept("escape", base.userExit)
    position, angles = np.array([2.9, 1.66, 6.3]), np.array([0.25, 0.0])
    session = frameloom.connect(options.socket, depth_scale=gbuffer.DEPTH_SCALE, far=163.8, client_name="Panda3D",
                                mailbox="latest", incremental=True)
    base.exitFunc = session.close
    focal = width / 2 / math.tan(math.radians(35))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    print("W A S D, Q E and the arrows fly, Escape ends; the first picture takes some seconds", flush=True)

    def held(key):
        return base.mouseWatcherNode.isButtonDown(core.KeyboardButton.asciiKey(key) if len(key) == 1
                                                  else core.ButtonRegistry.ptr().getButton(key))

    def update(task):
        seconds = min(0.3, base.clock.getDt())
        yaw, pitch = angles
        angles[0] += 1.8 * seconds * (held("arrow_left") - held("arrow_right"))
        angles[1] = np.clip(pitch + 1.8 * seconds * (held("arrow_up") - held("arrow_down")), -1.4, 1.4)
        right, ahead = held("d") - held("a"), held("w") - held("s")
        step = 1.6 * seconds
        position[:] += step * np.array([
            right * math.cos(yaw) - ahead * math.sin(yaw), held("e") - held("q"),
            -right * math.sin(yaw) - ahead * math.cos(yaw)])
        pose = camera_of(drawn, matrix(position, *angles), focal, focal, width, height)
        session.submit(**drawn.draw(), camera=pose)
        for new in session.pictures(leave=1):
            picture.setRamImageAs(np.ascontiguousarray(new.pixels[::-1]).tobytes(), "RGBA")
            if options.out:
                new.save(options.out / f"Rendered_{new.frame_id:04}.png")
        return task.cont

    base.taskMgr.add(update, "Frameloom")
    base.run()


def matrix(position, yaw, pitch):
    """Camera to world; looks along -Z, +Y up."""
    sy, cy, sp, cp = math.sin(yaw), math.cos(yaw), math.sin(pitch), math.cos(pitch)
    pose = np.eye(4)
    pose[:3, :3] = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array(
        [[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    pose[:3, 3] = position
    return pose


def load_gbuffer(options, engine, output, width, height):
    scene = core.NodePath("scene")
    loaded, shines = environment.load(options.environment)
    loaded.reparentTo(scene)
    return gbuffer.GBuffer(engine, output, scene, width, height, options.samples, shines)


def ask_for_emissive(drawn, socket):
    """Leaves the emissive plane out where the daemon's model does not read it: it refuses it by name."""
    if not drawn.shines:
        return
    small = {"base_color": (3, np.uint8), "normals": (3, np.uint8), "depth": (1, np.uint16),
             "roughness": (1, np.uint8), "emissive": (3, np.uint8)}
    planes = {name: np.zeros((64, 64, 3) if channels == 3 else (64, 64), kind)
              for name, (channels, kind) in small.items()}
    try:
        with frameloom.connect(socket, depth_scale=gbuffer.DEPTH_SCALE, client_name="Panda3D") as session:
            session.render(**planes)
    except frameloom.RefusedError as error:
        if error.field != "planes":
            raise
        drawn.shines = False


def new_folder(name):
    number = 1
    while pathlib.Path(f"{name}-{number}").exists():
        number += 1
    return pathlib.Path(f"{name}-{number}")


if __name__ == "__main__":
    stated = arguments()
    configure(stated.window)
    try:
        (fly_by_keyboard if stated.window else fly_recorded)(stated)
    except frameloom.NoDaemonError as error:
        raise SystemExit(str(error))
