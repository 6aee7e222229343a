# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""docs/engines.md: its C is compiled and what it states is opened at the daemon, its Python is run,
its constants exist, every engine has its table, and code that cannot be checked says so."""
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

import frameloom
from conftest import REPOSITORY, synthetic_frame

PAGE = (REPOSITORY / "docs/engines.md").read_text()
SOURCES = REPOSITORY / "Sources"
HEADERS = [SOURCES / "CFrameClient/include", SOURCES / "CFrameProtocol/include"]
ENGINES = ["Unreal Engine", "Unity", "Godot 4", "Blender", "three.js", "Panda3D",
           "Your own OpenGL or Vulkan"]
COMPILERS = [("gcc", "-std=c11"), ("gcc", "-std=c11 -pedantic -Wconversion"),
             ("g++", "-std=c++17")]


@dataclass
class Block:
    language: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE,
                                                re.MULTILINE | re.DOTALL)]
C = "".join(block.text for block in BLOCKS if block.language == "c")
PYTHON = [block.text for block in BLOCKS if block.language == "python"]


def section(engine: str) -> str:
    heading = next(line for line in PAGE.splitlines() if line.startswith(f"## {engine}"))
    return PAGE.split(heading + "\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_has_its_table_and_code(engine):
    text = section(engine)
    header, *rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert header.startswith("| Plane | Where | State")
    planes = " ".join(row.split("|")[1] for row in rows).lower()
    for plane in ("base color", "normals", "depth", "roughness", "metallic", "motion", "camera"):
        assert plane in planes, plane
    assert "```" in text


def test_code_that_is_not_checked_says_so():
    assert {block.language for block in BLOCKS} == {"c", "python", "cpp", "csharp", "gdscript", "js"}
    for block in BLOCKS:
        if block.language not in ("c", "python"):
            assert "Untested" in block.text.splitlines()[0], block.text


def test_constants_exist():
    header = (HEADERS[1] / "frame_protocol.h").read_text()
    known = set(re.findall(r"^#define (FL_\w+)", header, re.MULTILINE))
    named = set(re.findall(r"\bFL_[A-Z0-9_]+\b", PAGE)) - {"FL_AXES_", "FL_DEPTH_"}
    assert len(named) > 30 and named <= known, named - known
    declarations = (REPOSITORY / "clients/javascript/frameloom.d.ts").read_text()
    for group, name in re.findall(
            r"\b(Plane|Format|Axes|DepthKind|Origin|PlaneFlag|FrameFlag)\.([A-Z][A-Z0-9_]+)", PAGE):
        body = re.search(rf"const {group}: \{{(.*?)\}}", declarations, re.DOTALL)
        assert body and re.search(rf"\b{name}:", body[1]), f"{group}.{name}"


@pytest.mark.parametrize(("compiler", "words"), COMPILERS)
def test_c_compiles(compiler, words, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    source = tmp_path / ("page.c" if compiler == "gcc" else "page.cc")
    source.write_text(C)
    run = subprocess.run(
        [compiler, *words.split(), "-Wall", "-Wextra", "-Werror", "-fsyntax-only", source,
         *(f"-I{folder}" for folder in HEADERS)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


# What each function is called with: near, far and the rest.
CALLS = {"open_unreal": "10", "open_unity": "0.1, 100, 0", "open_godot": "0.1, 100",
         "open_opengl": "0.1, 100", "open_vulkan": "0.1, 256, 128"}
MAIN = """
#include <stdio.h>
static void say(const char *name, const fl_camera *c) {
    printf("\\"%s\\": [%.9g, %.9g, %.9g, %.9g", name, c->fx, c->fy, c->cx, c->cy);
    for (int i = 0; i < 16; i++) printf(", %.9g", c->camera_to_world[i]);
    printf("]");
}
static void try_open(const char *name, const fl_open *stated) {
    fc_client *client = NULL;
    fl_opened opened;
    int code = fc_connect(NULL, 1000, &client);
    if (code == 0) code = fc_open(client, stated, &opened, 30000);
    printf("\\"%s\\": \\"%s\\", ", name, code == 0 ? "" : fc_explain(client, code));
    fc_close(client);
}
int main(void) {
    fl_open open;
    fl_camera camera;
    printf("{");
    CALLS
    const double p[16] = {1, 0, 0, 0, 0, 2, 0, 0, -0.1, 0.1, -1.01, -1, 0, 0, -0.2, 0};
    const double vulkan[16] = {1, 0, 0, 0, 0, -2, 0, 0, -0.1, -0.1, 0, -1, 0, 0, 0.1, 0};
    const double pose[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 4, 5, 6, 1};
    memset(&camera, 0, sizeof camera);
    camera_opengl(&camera, p, pose, 200, 100);
    say("opengl", &camera), printf(", ");
    camera_opengl(&camera, vulkan, pose, 200, 100);
    say("vulkan", &camera), printf(", ");
    const double x[3] = {0, 0, -1}, y[3] = {0, 1, 0}, z[3] = {1, 0, 0}, origin[3] = {4, 5, 6};
    memset(&camera, 0, sizeof camera);
    camera_godot(&camera, x, y, z, origin, 53, 200, 100);
    say("godot", &camera);
    printf("}");
    return 0;
}
"""


@pytest.fixture(scope="module")
def said(daemon, tmp_path_factory):
    """What a program of the page's C says: of each engine's statement, "" or why not; cameras."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    folder = tmp_path_factory.mktemp("page")
    calls = "".join(f'begin(&open, 256, 128); {name}(&open, {words}); try_open("{name}", &open);'
                    for name, words in CALLS.items())
    (folder / "page.c").write_text(C + MAIN.replace("CALLS", calls))
    subprocess.run(
        ["gcc", "-std=c11", "-D_GNU_SOURCE", "-o", folder / "page", folder / "page.c",
         *sorted((SOURCES / "CFrameClient").glob("*.c")), *(f"-I{path}" for path in HEADERS),
         f"-I{SOURCES / 'CFrameClient'}", "-lm"], check=True)
    run = subprocess.run([folder / "page"], env={"FRAMELOOM_SOCKET": daemon.socket}, check=True,
                         capture_output=True, text=True, timeout=120)
    return json.loads(run.stdout)


def test_every_statement_is_tried():
    assert set(re.findall(r"^void (open_\w+)\(", C, re.MULTILINE)) == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_the_daemon_takes_what_the_page_states(name, said):
    assert said[name] == ""


@pytest.mark.parametrize(("name", "projection"), [
    ("opengl", [[1, 0, -0.1, 0], [0, 2, 0.1, 0], [0, 0, -1.01, -0.2], [0, 0, -1, 0]]),
    ("vulkan", [[1, 0, -0.1, 0], [0, -2, -0.1, 0], [0, 0, 0, 0.1], [0, 0, -1, 0]]),
])
def test_the_pages_camera_is_that_of_the_projection(name, projection, said):
    camera = frameloom.Camera.from_projection(projection, np.eye(4), width=200, height=100)
    np.testing.assert_allclose(said[name][:4], [camera.fx, camera.fy, camera.cx, camera.cy])
    assert said[name][4 + 12:4 + 15] == [4, 5, 6]  # by columns


def test_the_pages_camera_is_godots(said):
    pose = np.array([[0, 0, 1, 4], [0, 1, 0, 5], [-1, 0, 0, 6], [0, 0, 0, 1]], float)
    camera = frameloom.Camera.from_fov(pose, fov_y=53, width=200, height=100, axes="godot")
    np.testing.assert_allclose(said["godot"][:4], [camera.fx, camera.fy, camera.cx, camera.cy])
    assert said["godot"][4:] == camera.camera_to_world.ravel().tolist()


# The Python, with engines' objects as far as it asks them.

TO_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # our x, y, z to its; Panda3D's too


def run_python() -> dict:
    names: dict = {}
    for text in PYTHON:
        exec(compile(text, "docs/engines.md", "exec"), names)  # noqa: S102
    return names


def their_pose(pose: np.ndarray) -> np.ndarray:
    theirs = np.eye(4)
    theirs[:3] = TO_BLENDER @ pose[:3]
    return theirs


def rendered(session: frameloom.Session, frame: dict) -> np.ndarray:
    with session:
        return np.asarray(session.render(**frame), np.int16)


def ours(daemon) -> tuple[dict, np.ndarray]:
    frame = dict(synthetic_frame(3), metallic=np.zeros((64, 96), np.float32))
    return frame, rendered(frameloom.connect(daemon.socket), frame)


def test_the_pages_blender_gives_our_picture(daemon):
    frame, picture = ours(daemon)
    camera = frame["camera"]
    projection = np.array([[2 * camera.fx / 96, 0, 0, 0], [0, 2 * camera.fy / 64, 0, 0],
                           [0, 0, -1, -0.2], [0, 0, -1, 0]])
    held = SimpleNamespace(matrix_world=their_pose(camera.camera_to_world),
                           calc_matrix_camera=lambda graph, x, y: projection)
    scene = SimpleNamespace(camera=SimpleNamespace(evaluated_get=lambda graph: held))
    color = frame["base_color"] / 255.0
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    passes = {"BaseColor": linear, "Normal": frame["normals"] @ TO_BLENDER.T,
              "Depth": frame["depth"], "Roughness": frame["roughness"],
              "Metallic": frame["metallic"]}
    theirs = run_python()["blender_frame"](scene, None, passes, 96, 64)
    assert np.abs(rendered(frameloom.connect(daemon.socket), theirs) - picture).max() <= 1
    sky = dict(passes, Depth=np.full((64, 96), 1e10))
    assert not run_python()["blender_frame"](scene, None, sky, 96, 64)["depth"].any()


def test_the_pages_panda3d_gives_our_picture(daemon, monkeypatch):
    frame, picture = ours(daemon)
    frame = dict(frame, normals=np.rint(frame["normals"] * 127.5 + 127.5).astype(np.uint8))
    picture = rendered(frameloom.connect(daemon.socket), frame)
    pose = their_pose(frame["camera"].camera_to_world)
    # Its camera looks along +Y, z up; row vectors.
    pose[:3, :3] = pose[:3, :3] @ TO_BLENDER.T
    camera = SimpleNamespace(get_mat=lambda render: pose.T)
    turned = np.rint((frame["normals"] / 127.5 - 1) @ TO_BLENDER.T * 127.5 + 127.5)
    planes = {name: np.ascontiguousarray(plane[::-1]) for name, plane in
              dict(frame, normals=turned.astype(np.uint8)).items() if name != "camera"}
    monkeypatch.setenv("FRAMELOOM_SOCKET", daemon.socket)
    names = run_python()
    theirs = names["panda3d_frame"](camera, None, SimpleNamespace(get_vfov=lambda: 53.0), planes,
                                    96, 64)
    assert np.abs(rendered(names["panda3d_session"](), theirs)[::-1] - picture).max() <= 1
