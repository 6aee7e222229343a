// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Three axes out of three others: for each, which one it is and with which sign.
package struct AxisTurn: Sendable, Hashable {
    package var axes: SIMD3<Int>
    package var signs: SIMD3<Double>

    package init(_ axes: SIMD3<Int>, _ signs: SIMD3<Double> = SIMD3(1, 1, 1)) {
        self.axes = axes
        self.signs = signs
    }

    package static let same = AxisTurn(SIMD3(0, 1, 2))

    package func callAsFunction(_ vector: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(vector[axes.x], vector[axes.y], vector[axes.z]) * signs
    }
}

/// In whose axes and unit a client states cameras and normals.
///
/// A world turned in another way would do as well as long as it is always the same; these are the
/// ones in which each engine's glTF importer puts a scene, so that it stands where it does in the file
/// (UnityGLTF's `CoordinateSpaceConversionScale`, Unreal's `GLTF::ConvertVec3`, Blender's exporter).
package struct WorldAxes: Sendable, Hashable {
    /// Raw values are those of the wire (`FL_AXES_OPENGL` …).
    package enum Preset: UInt8, Sendable, Hashable, CaseIterable {
        case openGL = 0
        case unity = 1
        case unreal = 2
        case blender = 3
    }

    package var preset: Preset
    /// Of the camera's position, near and far planes.
    package var metresPerUnit: Double
    /// Matrices come column after column.
    package var isColumnMajor: Bool

    /// - Parameter metresPerUnit: nil: as usual with this preset.
    package init(
        _ preset: Preset = .openGL, metresPerUnit: Double? = nil, isColumnMajor: Bool = false
    ) {
        self.preset = preset
        self.metresPerUnit = metresPerUnit ?? (preset == .unreal ? 0.01 : 1)
        self.isColumnMajor = isColumnMajor
    }

    /// Our world's x, y, z out of theirs.
    package var world: AxisTurn {
        switch preset {
        case .openGL: .same
        case .unity: AxisTurn(SIMD3(0, 1, 2), SIMD3(-1, 1, 1))
        case .unreal: AxisTurn(SIMD3(0, 2, 1))
        case .blender: AxisTurn(SIMD3(0, 2, 1), SIMD3(1, 1, -1))
        }
    }

    /// Our view's x, y, z (right, up, back) out of those of their view-space normals.
    package var view: AxisTurn {
        // Unity's view space is OpenGL's; Unreal's is right, up, forward.
        preset == .unreal ? AxisTurn(SIMD3(0, 1, 2), SIMD3(1, 1, -1)) : .same
    }

    /// The columns of their camera matrix that are right, up and back.
    /// - Parameter isMirrored: its determinant is negative.
    private func camera(isMirrored: Bool) -> AxisTurn {
        switch preset {
        case .openGL, .blender: .same
        // cameraToWorldMatrix looks along -Z in a left-handed world and so mirrors; a Transform looks
        // along +Z and does not.
        case .unity: isMirrored ? .same : AxisTurn(SIMD3(0, 1, 2), SIMD3(1, 1, -1))
        case .unreal: AxisTurn(SIMD3(1, 2, 0), SIMD3(1, 1, -1))
        }
    }

    /// Their matrix as ours: rows, column vectors, metres. The upper left is a rotation, mirrored or
    /// not, and so is what comes out.
    package func cameraToWorld(_ rows: Camera.Rows) -> Camera.Rows {
        func column(_ index: Int) -> SIMD3<Double> {
            SIMD3(rows.x[index], rows.y[index], rows.z[index])
        }
        let camera = camera(isMirrored: rows.determinant < 0)
        let turned = (0..<3).map { world(column(camera.axes[$0]) * camera.signs[$0]) }
        let position = world(column(3)) * metresPerUnit
        func row(_ index: Int) -> SIMD4<Double> {
            SIMD4(turned[0][index], turned[1][index], turned[2][index], position[index])
        }
        return Camera.Rows(x: row(0), y: row(1), z: row(2), w: rows.w)
    }
}

extension Camera.Rows {
    /// Of the upper left three by three.
    package var determinant: Double {
        x.x * (y.y * z.z - y.z * z.y) - x.y * (y.x * z.z - y.z * z.x)
            + x.z * (y.x * z.y - y.y * z.x)
    }
}
