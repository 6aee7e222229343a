# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The doctor's verdicts in words: those of `Sources/FrameDoctor/Finding.swift` in the same order,
but for motion planes and `outside-model` (docs/doctor.md)."""

from dataclasses import dataclass


@dataclass
class Finding:
    """One mistake, in words."""

    name: str
    cause: str
    evidence: str
    remedy: str
    frames: int  # how many were looked at when it was first said

    def __str__(self) -> str:
        return f"{self.name}: {self.cause} ({self.evidence}). {self.remedy}"


def axes_name(order, signs) -> str:
    """Which axes of the sent normals are our x, y, z: `x, z, -y`."""
    return ", ".join(("-" if sign < 0 else "") + "xyz"[axis] for axis, sign in zip(order, signs))


KNOWN_AXES = {
    "x, z, -y": "Z is up, as in Blender",
    "-x, y, z": "left-handed with +Y up, as in Unity",
    "x, y, -z": "left-handed with +Y up, z mirrored",
    "x, z, y": "left-handed with Z up, as in Unreal",
    "y, z, -x": "left-handed with Z up and turned, as in Unreal",
}

WORDS = {  # name: cause, remedy
    "upside-down": ("the planes are upside down",
                    "State the other origin (FL_ORIGIN_BOTTOM_LEFT after a read-back from OpenGL), "
                    "or flip the rows."),
    "mirrored": ("the planes are mirrored left to right", "Flip the columns, or the camera's x."),
    "camera-inverted": ("the matrix takes world to camera, not camera to world",
                        "Send its inverse."),
    "camera-transposed": ("the camera's rotation is transposed",
                          "Send it row by row for column vectors, or state "
                          "FL_MATRIX_COLUMN_MAJOR."),
    "camera-axes": ("the camera looks along +Z with +Y down (OpenCV, Vulkan)",
                    "Negate the second and third column of camera_to_world."),
    "ray-depth": ("depth is the distance along the ray, not planar z",
                  "State it: FL_DEPTH_RAY; in camera.json the depth kind distance."),
    "principal-point": ("the principal point is not where the picture's center is",
                        "cx, cy are pixels from the top-left corner: width / 2, height / 2."),
    "field-of-view": ("the field of view is another one", "Check fx and fy: pixels, "
                      "0.5 * width / tan(0.5 * horizontal field of view)."),
    "depth-unit": ("depth is in another unit than stated", "Change depth_scale (metres per unit)."),
    "camera-unit": ("the camera's position is in another unit than stated",
                    "State the unit (FL_UNIT_CENTIMETRES), or send metres."),
    "near-plane": ("the near plane is in another unit",
                   "depth_near and near_plane are metres, or the unit in axes."),
    "far-plane": ("the far plane is in another unit",
                  "depth_far and far_plane are metres, or the unit in axes."),
    "camera-late": ("the camera is that of the frame before",
                    "Send each frame's planes with the camera that drew them."),
    "camera-early": ("the camera is that of the frame after",
                     "Send each frame's planes with the camera that drew them."),
    "jitter-sign": ("the jitter has the wrong sign", "Negate it: it is what was added to the "
                    "pixel center when the planes were drawn."),
    "jitter-flipped": ("the jitter's y points up", "Negate jitter_y: it points down."),
    "jitter-unit": ("the jitter is not in pixels", "Multiply it by the size in pixels, by half of "
                    "it for clip coordinates."),
    "normals-axes": ("the normals have other axes", "State whose they are (axes), or turn them "
                     "into those of camera_to_world's world."),
    "normals-green": ("the green channel of the normals is flipped", "Negate their y."),
    "normals-view": ("the normals are in view space", "State FL_NORMALS_VIEW, or turn them by the "
                     "rotation of camera_to_world."),
    "normals-world": ("the normals are in world space", "State FL_NORMALS_WORLD."),
    "normals-constant": ("the normals are the same everywhere", "Check that the plane is drawn "
                         "and read back."),
    "normals-not-encoded": ("the normals are stored without n * 0.5 + 0.5: what is negative is "
                            "lost", "Encode them before they are stored."),
    "normals-encoded-twice": ("the normals were encoded twice", "n * 0.5 + 0.5 once."),
    "depth-empty": ("depth says sky everywhere, other planes show surfaces",
                    "Check that depth is drawn and read back, its clear value and its kind."),
    "depth-constant": ("depth is the same everywhere", "Check that depth is drawn and read back."),
    "depth-beyond-far": ("surfaces lie at or beyond the far plane and count as sky",
                         "Check depth_far and the depth scale."),
    "base-color-linear": ("base color is stored linear, not as sRGB",
                          "State FL_RGBA8_LINEAR or FL_RGBA16F; in camera.json linear."),
    "base-color-encoded-twice": ("base color is encoded as sRGB twice", "Encode it once."),
    "red-blue-swapped": ("red and blue are swapped", "State FL_BGRA8_SRGB, or send RGBA."),
    "smoothness": ("the roughness plane holds smoothness",
                   "State it, or no longer: FL_ROUGHNESS_SMOOTHNESS; in camera.json roughness "
                   "smoothness."),
}
