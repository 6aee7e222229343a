// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// A mistake that was found, in words.
package struct Finding: Sendable, Hashable {
    package var name: Name
    /// In numbers.
    package var evidence: String
    /// How many frames had been looked at when it was first said.
    package var frames: Int

    /// "upside-down: the planes are upside down (…). Remedy."
    package var text: String {
        "\(name.rawValue): \(name.cause) (\(evidence)). \(name.remedy)"
    }

    /// The verdicts, as `training/doctor.py` has them too.
    package enum Name: String, Sendable, Hashable, CaseIterable {
        case upsideDown = "upside-down"
        case mirrored
        case cameraInverted = "camera-inverted"
        case cameraTransposed = "camera-transposed"
        case cameraAxes = "camera-axes"
        case rayDepth = "ray-depth"
        case principalPoint = "principal-point"
        case fieldOfView = "field-of-view"
        case depthUnit = "depth-unit"
        case cameraUnit = "camera-unit"
        case nearPlane = "near-plane"
        case farPlane = "far-plane"
        case cameraLate = "camera-late"
        case cameraEarly = "camera-early"
        case jitterSign = "jitter-sign"
        case jitterFlipped = "jitter-flipped"
        case jitterUnit = "jitter-unit"
        case motionSign = "motion-sign"
        case motionFlipped = "motion-flipped"
        case motionSwapped = "motion-swapped"
        case motionUnit = "motion-unit"
        case normalsAxes = "normals-axes"
        case normalsGreen = "normals-green"
        case normalsView = "normals-view"
        case normalsWorld = "normals-world"
        case normalsConstant = "normals-constant"
        case normalsNotEncoded = "normals-not-encoded"
        case normalsEncodedTwice = "normals-encoded-twice"
        case depthEmpty = "depth-empty"
        case depthConstant = "depth-constant"
        case depthBeyondFar = "depth-beyond-far"
        case outsideModel = "outside-model"
        case baseColorLinear = "base-color-linear"
        case baseColorEncodedTwice = "base-color-encoded-twice"
        case redBlueSwapped = "red-blue-swapped"
        case smoothness
    }
}

extension Finding.Name {
    package var cause: String { words.cause }
    package var remedy: String { words.remedy }

    private var words: (cause: String, remedy: String) {
        switch self {
        case .upsideDown:
            (
                "the planes are upside down",
                "State the other origin (FL_ORIGIN_BOTTOM_LEFT after a read-back from OpenGL), or "
                    + "flip the rows."
            )
        case .mirrored:
            ("the planes are mirrored left to right", "Flip the columns, or the camera's x.")
        case .cameraInverted:
            ("the matrix takes world to camera, not camera to world", "Send its inverse.")
        case .cameraTransposed:
            (
                "the camera's rotation is transposed",
                "Send it row by row for column vectors, or state FL_MATRIX_COLUMN_MAJOR."
            )
        case .cameraAxes:
            (
                "the camera looks along +Z with +Y down (OpenCV, Vulkan)",
                "Negate the second and third column of camera_to_world."
            )
        case .rayDepth:
            (
                "depth is the distance along the ray, not planar z",
                "State it: FL_DEPTH_RAY; in camera.json the depth kind distance."
            )
        case .principalPoint:
            (
                "the principal point is not where the picture's center is",
                "cx, cy are pixels from the top-left corner: width / 2, height / 2."
            )
        case .fieldOfView:
            (
                "the field of view is another one",
                "Check fx and fy: pixels, 0.5 * width / tan(0.5 * horizontal field of view)."
            )
        case .depthUnit:
            (
                "depth is in another unit than stated",
                "Change depth_scale (metres per unit)."
            )
        case .cameraUnit:
            (
                "the camera's position is in another unit than stated",
                "State the unit (FL_UNIT_CENTIMETRES), or send metres."
            )
        case .nearPlane:
            (
                "the near plane is in another unit",
                "depth_near and near_plane are metres, or the unit in axes."
            )
        case .farPlane:
            (
                "the far plane is in another unit",
                "depth_far and far_plane are metres, or the unit in axes."
            )
        case .cameraLate:
            (
                "the camera is that of the frame before",
                "Send each frame's planes with the camera that drew them."
            )
        case .cameraEarly:
            (
                "the camera is that of the frame after",
                "Send each frame's planes with the camera that drew them."
            )
        case .jitterSign:
            (
                "the jitter has the wrong sign",
                "Negate it: it is what was added to the pixel center when the planes were drawn."
            )
        case .jitterFlipped:
            ("the jitter's y points up", "Negate jitter_y: it points down.")
        case .jitterUnit:
            (
                "the jitter is not in pixels",
                "Multiply it by the size in pixels, by half of it for clip coordinates."
            )
        case .motionSign:
            (
                "the motion plane points the other way",
                "State the other motion_direction (FL_MOTION_FROM_PREVIOUS), or negate it."
            )
        case .motionFlipped:
            (
                "one component of the motion plane has the wrong sign",
                "Negate motion_scale_x or motion_scale_y; of FL_MOTION_NDC, +y is up."
            )
        case .motionSwapped:
            ("x and y of the motion plane are swapped", "Write x, then y.")
        case .motionUnit:
            (
                "the motion plane is in another unit",
                "State FL_MOTION_NDC or FL_MOTION_UV in motion_flags, or motion_scale_x and "
                    + "motion_scale_y in pixels per unit."
            )
        case .normalsAxes:
            (
                "the normals have other axes",
                "State whose they are (axes), or turn them into those of camera_to_world's world."
            )
        case .normalsGreen:
            ("the green channel of the normals is flipped", "Negate their y.")
        case .normalsView:
            (
                "the normals are in view space",
                "State FL_NORMALS_VIEW, or turn them by the rotation of camera_to_world."
            )
        case .normalsWorld:
            ("the normals are in world space", "State FL_NORMALS_WORLD.")
        case .normalsConstant:
            (
                "the normals are the same everywhere",
                "Check that the plane is drawn and read back."
            )
        case .normalsNotEncoded:
            (
                "the normals are stored without n * 0.5 + 0.5: what is negative is lost",
                "Encode them before they are stored."
            )
        case .normalsEncodedTwice:
            ("the normals were encoded twice", "n * 0.5 + 0.5 once.")
        case .depthEmpty:
            (
                "depth says sky everywhere, other planes show surfaces",
                "Check that depth is drawn and read back, its clear value and its kind."
            )
        case .depthConstant:
            ("depth is the same everywhere", "Check that depth is drawn and read back.")
        case .depthBeyondFar:
            (
                "surfaces lie at or beyond the far plane and count as sky",
                "Check depth_far and the depth scale."
            )
        case .outsideModel:
            (
                "the surfaces lie outside of the space that the model knows",
                "State the world's axes and unit (axes), or choose the model of this environment."
            )
        case .baseColorLinear:
            (
                "base color is stored linear, not as sRGB",
                "State FL_RGBA8_LINEAR or FL_RGBA16F; in camera.json linear."
            )
        case .baseColorEncodedTwice:
            ("base color is encoded as sRGB twice", "Encode it once.")
        case .redBlueSwapped:
            ("red and blue are swapped", "State FL_BGRA8_SRGB, or send RGBA.")
        case .smoothness:
            (
                "the roughness plane holds smoothness",
                "State it, or no longer: FL_ROUGHNESS_SMOOTHNESS; in camera.json roughness "
                    + "smoothness."
            )
        }
    }
}

extension Hypothesis {
    /// The verdict if it holds. A unit's name depends on the depths, see `FrameDoctor`.
    var name: Finding.Name? {
        switch self {
        case .stated: nil
        case .upsideDown: .upsideDown
        case .mirrored: .mirrored
        case .cameraInverted: .cameraInverted
        case .cameraTransposed: .cameraTransposed
        case .cameraAxes: .cameraAxes
        case .principalPoint: .principalPoint
        case .fieldOfView: .fieldOfView
        case .rayDepth: .rayDepth
        case .unit: .depthUnit
        case .nearPlane: .nearPlane
        case .farPlane: .farPlane
        case .cameraLate: .cameraLate
        case .cameraEarly: .cameraEarly
        case .jitter(_, let name): name
        case .normalAxes(let axes): axes.text == "x, -y, z" ? .normalsGreen : .normalsAxes
        case .normalSpace: .normalsView
        case .motion(let reading): reading.name
        }
    }
}
