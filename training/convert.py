# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes a clip folder (docs/clips.md) of what people have on disk.

    frameloom convert exr OUT --plane baseColor='albedo.*.exr' \\
        --plane normals='normals.*.exr' --plane depth='depth.*.exr:Z' --cameras cameras.json
    frameloom convert unreal 'Render/Shot.*.exr' OUT
    frameloom convert blender 'passes_*.exr' OUT --cameras cameras.json
    frameloom convert hypersim scenes/ai_001_001 OUT --camera cam_00
    frameloom convert noisebase sampleset_v1/test8/bistro1 OUT

Needs training/requirements-convert.txt. `python training/convert.py` is the same program.
"""

import argparse
import os
import sys
from pathlib import Path

try:
    from convert_exr import read_blender, read_exr, read_unreal
    from convert_frame import WORLDS, ClipWriter, ConvertError, Meaning
    from convert_sets import hypersim_unit, read_hypersim, read_noisebase
except ModuleNotFoundError as missing:
    here = Path(__file__).resolve().parent
    sys.exit(f"convert: {sys.executable} lacks the package {missing.name}: pip install "
             f"-r {here / 'requirements.txt'} -r {here / 'requirements-convert.txt'}")

PLANES = ("baseColor", "normals", "depth", "roughness", "metallic", "emissive", "final")


def named(entries: list[str]) -> dict[str, str]:
    planes = {}
    for entry in entries:
        plane, equals, place = entry.partition("=")
        if plane not in PLANES or not equals:
            raise ConvertError(f"--plane is PLANE=..., PLANE one of {', '.join(PLANES)}, "
                               f"not {entry}")
        planes[plane] = place
    return planes


def frames_of(options: argparse.Namespace, meaning: Meaning):
    if options.kind == "hypersim":
        meaning.world, meaning.depth_is_distance = "blender", True
        meaning.metres_per_unit = hypersim_unit(options.source)
        return read_hypersim(options.source, options.camera)
    if options.kind == "noisebase":
        return read_noisebase(options.source, options.rendered)
    planes = named(options.plane)
    if options.kind == "unreal":
        meaning.world = "unreal"
        meaning.metres_per_unit *= 0.01
        meaning.depth_metres_per_unit *= 0.01
        return read_unreal(options.source, planes, options.cameras)
    if options.cameras is None:
        raise ConvertError("--cameras is needed: a file like camera.json, its matrices in the "
                           "source's own axes")
    if options.kind == "blender":
        meaning.world = "blender"
        return read_blender(options.source, planes, options.cameras)
    missing = {"baseColor", "normals", "depth"} - planes.keys()
    if missing:
        raise ConvertError(f"--plane {', '.join(sorted(missing))} is needed")
    return read_exr(planes, options.cameras)


def size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("FRAMELOOM_COMMAND"), description=__doc__.split("\n\n")[0], epilog="docs/clips.md, \"Converting\"")
    kinds = parser.add_subparsers(dest="kind", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("out", type=Path, help="New folder of the clip.")
    common.add_argument("--fps", type=float)
    common.add_argument("--frames", type=int, help="Only the first so many.")
    common.add_argument("--units-per-metre", type=float, default=400.0,
                        help="Of the depth files; 65535 units are the farthest.")
    common.add_argument("--exposure", type=float, default=0.0,
                        help="Stops, of a final picture in linear light.")
    common.add_argument("--axes", choices=list(WORLDS), help="Of the source's world.")
    common.add_argument("--depth", choices=["planar", "distance"],
                        help="Along the view axis, or along each pixel's ray.")
    common.add_argument("--metres-per-unit", type=float, help="Of depth and positions.")
    common.add_argument("--normals", choices=["world", "view"], default="world")
    common.add_argument("--normals-encoded", action="store_true", help="n * 0.5 + 0.5.")
    common.add_argument("--color", choices=["linear", "srgb"], default="linear",
                        help="Of base color and emissive.")
    common.add_argument("--roughness", type=float, default=0.5,
                        help="Where the source has none.")
    for kind, text in (("exr", "Any EXR files."), ("unreal", "Movie Render Queue, multilayer EXR."),
                       ("blender", "Multilayer EXR of passes and AOVs."),
                       ("hypersim", "A scene of the Hypersim data set."),
                       ("noisebase", "A sequence of Noisebase.")):
        sub = kinds.add_parser(kind, help=text)
        if kind != "exr":
            sub.add_argument("source", type=Path if kind in ("hypersim", "noisebase") else str,
                             help="Pattern of numbered files." if kind in ("unreal", "blender")
                             else "Folder, or zip.")
        for action in common._actions:
            sub._add_action(action)
        if kind in ("exr", "unreal", "blender"):
            sub.add_argument("--plane", action="append", default=[], metavar="PLANE=LAYER",
                             help="PLANE=PATTERN or PLANE=PATTERN:LAYER." if kind == "exr"
                             else "Which layer holds a plane, if it is called otherwise.")
            sub.add_argument("--cameras", type=Path, help="Like camera.json, in the source's axes.")
        if kind == "hypersim":
            sub.add_argument("--camera", default="cam_00")
        if kind == "noisebase":
            sub.add_argument("--rendered", type=size, metavar="WIDTHxHEIGHT",
                             help="What the crops of training sequences were cut from.")
    return parser.parse_args()


def convert(options: argparse.Namespace) -> None:
    meaning = Meaning(
        normals_are_view=options.normals == "view", normals_are_encoded=options.normals_encoded,
        color_is_srgb=options.color == "srgb", exposure=options.exposure,
        units_per_metre=options.units_per_metre)
    frames = frames_of(options, meaning)
    if options.axes:
        meaning.world = options.axes
    if options.depth:
        meaning.depth_is_distance = options.depth == "distance"
    if options.metres_per_unit:
        meaning.metres_per_unit = meaning.depth_metres_per_unit = options.metres_per_unit
    writer = ClipWriter(options.out, meaning, options.fps)
    for count, frame in enumerate(frames, 1):
        if isinstance(frame.roughness, float):
            frame.roughness = options.roughness
        writer.write(frame)
        if count == options.frames:
            break
    writer.finish()
    print(f"{len(writer.cameras)} frames in {options.out}", file=sys.stderr)
    if writer.beyond:
        print(f"convert: {writer.beyond} pixels lie beyond {65535 / meaning.units_per_metre:g} m "
              "and are sky now; a smaller --units-per-metre reaches farther", file=sys.stderr)


def main() -> int:
    options = parsed()
    try:
        convert(options)
    except (ConvertError, ImportError) as error:
        print(f"convert: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
