// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// A statement about camera, depth or jitter that may hold in place of what was stated.
enum Hypothesis: Hashable, Sendable {
    case stated
    case upsideDown, mirrored
    case cameraInverted, cameraTransposed, cameraAxes
    case principalPoint
    /// Focal lengths times so much.
    case fieldOfView(Double)
    case rayDepth
    /// Depth times so much; positions divided by it would look the same.
    case unit(Double)
    /// Near or far plane of device depth times so much.
    case nearPlane(Double), farPlane(Double)
    /// The camera of the next frame belongs to these planes; that of the frame before does.
    case cameraLate, cameraEarly
    /// Jitter times these factors.
    case jitter(SIMD2<Double>, Finding.Name)
    /// Normals: which axes of the sent ones, and with which signs, are ours; or another space.
    case normalAxes(SignedAxes)
    case normalSpace
    /// The motion plane, read otherwise.
    case motion(MotionReading)

    /// Whether the normals that depth draws differ from the stated ones in camera space.
    var changesSurfaces: Bool {
        switch self {
        case .upsideDown, .mirrored, .principalPoint, .fieldOfView, .rayDepth, .nearPlane,
            .farPlane:
            true
        default: false
        }
    }

    /// Everything that geometry can tell apart, for two frames like these.
    static func all(_ frame: DoctorFrame, _ earlier: DoctorFrame) -> [Hypothesis] {
        var all: [Hypothesis] = [
            .stated, .upsideDown, .mirrored, .cameraInverted, .cameraTransposed, .cameraAxes,
            .rayDepth,
        ]
        let center = SIMD2(Double(frame.size.width), Double(frame.size.height)) / 2
        if let camera = frame.camera,
            abs(camera.cx - center.x) > 0.4 * center.x || abs(camera.cy - center.y) > 0.4 * center.y
        {
            all.append(.principalPoint)
        }
        all += [0.5, 0.6, 0.7, 0.77, 0.85, 1.18, 1.3, 1.45, 1.7, 2].map { .fieldOfView($0) }
        let units = [0.001, 0.01, 0.1, 0.3048, 3.2808, 10, 100, 1000]
        all += units.map { .unit($0) }
        if frame.cameraAfter != nil && earlier.cameraAfter != nil { all.append(.cameraLate) }
        if frame.cameraBefore != nil && earlier.cameraBefore != nil { all.append(.cameraEarly) }
        if let device = frame.device {
            let (near, far) = (device.x, device.y)
            let scales = [0.001, 0.01, 0.1, 10, 100, 1000]
            all += scales.filter { near * $0 < far }.map { .nearPlane($0) }
            if far.isFinite { all += scales.filter { near < far * $0 }.map { .farPlane($0) } }
        }
        if frame.jitter != .zero {
            let size = center * 2
            all += [
                .jitter(SIMD2(-1, -1), .jitterSign), .jitter(SIMD2(1, -1), .jitterFlipped),
                .jitter(size / 2, .jitterUnit), .jitter(size / 2 * SIMD2(1, -1), .jitterUnit),
                .jitter(size, .jitterUnit),
            ]
        }
        return all
    }

    func camera(of frame: DoctorFrame) -> DoctorCamera? {
        guard var camera = frame.camera else { return nil }
        switch self {
        case .upsideDown:
            camera.fy = -camera.fy
            camera.cy = Double(frame.size.height) - camera.cy
        case .mirrored:
            camera.fx = -camera.fx
            camera.cx = Double(frame.size.width) - camera.cx
        case .cameraInverted:
            camera.position = -camera.turnedBack(camera.position)
            camera.transpose()
        case .cameraTransposed:
            camera.transpose()
        case .cameraAxes:
            camera.up = -camera.up
            camera.back = -camera.back
        case .principalPoint:
            camera.cx = Double(frame.size.width) / 2
            camera.cy = Double(frame.size.height) / 2
        case .fieldOfView(let factor):
            camera.fx *= factor
            camera.fy *= factor
        case .cameraLate: return frame.cameraAfter
        case .cameraEarly: return frame.cameraBefore
        default: break
        }
        return camera
    }

    /// Planar z that the pixel's value would have given, metres.
    @inline(__always)
    func depth(_ z: Double, _ x: Double, _ y: Double, _ camera: DoctorCamera, _ frame: DoctorFrame)
        -> Double
    {
        guard z > 0 else { return 0 }
        switch self {
        case .rayDepth:
            let u = (x - camera.cx) / camera.fx
            let v = (y - camera.cy) / camera.fy
            return z / (1 + u * u + v * v).squareRoot()
        case .unit(let factor): return z * factor
        case .nearPlane(let factor): return redecoded(z, frame, near: factor, far: 1)
        case .farPlane(let factor): return redecoded(z, frame, near: 1, far: factor)
        default: return z
        }
    }

    private func redecoded(_ z: Double, _ frame: DoctorFrame, near: Double, far: Double) -> Double {
        guard let device = frame.device else { return z }
        // Reversed: 1/z = d (1/near - 1/far) + 1/far.
        let d = (1 / z - 1 / device.y) / (1 / device.x - 1 / device.y)
        let other = device * SIMD2(near, far)
        return 1 / max(1e-12, d * (1 / other.x - 1 / other.y) + 1 / other.y)
    }
}

extension DoctorCamera {
    fileprivate mutating func transpose() {
        let columns = (right, up, back)
        right = SIMD3(columns.0.x, columns.1.x, columns.2.x)
        up = SIMD3(columns.0.y, columns.1.y, columns.2.y)
        back = SIMD3(columns.0.z, columns.1.z, columns.2.z)
    }
}

/// Which axis of the sent normals is our x, y and z, and with which sign: one of 48.
struct SignedAxes: Hashable, Sendable {
    var axes: SIMD3<Int>
    var signs: SIMD3<Double>

    static let same = SignedAxes(axes: SIMD3(0, 1, 2), signs: SIMD3(1, 1, 1))

    static let all: [SignedAxes] = {
        let orders = [
            SIMD3(0, 1, 2), SIMD3(0, 2, 1), SIMD3(1, 0, 2), SIMD3(1, 2, 0), SIMD3(2, 0, 1),
            SIMD3(2, 1, 0),
        ]
        return orders.flatMap { order in
            (0..<8).map { bits in
                SignedAxes(
                    axes: order,
                    signs: SIMD3(
                        bits & 1 > 0 ? -1 : 1, bits & 2 > 0 ? -1 : 1, bits & 4 > 0 ? -1 : 1)
                )
            }
        }
    }()

    /// "x, z, -y".
    var text: String {
        (0..<3).map { (signs[$0] < 0 ? "-" : "") + ["x", "y", "z"][axes[$0]] }
            .joined(separator: ", ")
    }

    /// Whose axes these are.
    var owner: String? {
        switch text {
        case "x, z, -y": "Z is up, as in Blender"
        case "-x, y, z": "left-handed with +Y up, as in Unity"
        case "x, y, -z": "left-handed with +Y up, z mirrored"
        case "x, z, y": "left-handed with Z up, as in Unreal"
        case "y, z, -x": "left-handed with Z up and turned, as in Unreal"
        default: nil
        }
    }
}
