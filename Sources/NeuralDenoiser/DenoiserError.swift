// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel

/// Why a layout or a frame cannot be rendered. `field` is a name of the wire header, `description`
/// one sentence for people.
package enum DenoiserError: Error, Equatable, Sendable, CustomStringConvertible {
    case size(FrameSize)
    case missingPlane(PlaneKind)
    case repeatedPlane(PlaneKind)
    /// The model does nothing with the plane.
    case unreadPlane(PlaneKind, model: String)
    case planeFormat(index: Int, kind: PlaneKind, format: PixelFormat)
    case rowStride(index: Int, rowStride: Int, least: Int)
    case planeOutsidePayload(index: Int, end: Int, payload: Int)
    case depthScale(Float)
    case depthRange(near: Double, far: Double)
    case motionScale(Float)
    case motionUnstated
    /// View-space normals cannot be turned without the frame's camera.
    case cameraRequired
    case camera(field: String, value: Double)
    case frameSize(expected: FrameSize, found: FrameSize)
    /// A storage of the request is smaller than its contents.
    case storage(name: String, byteCount: Int, needed: Int)
    /// A session asks for a scale that the model does not have: thousandths.
    case noScale(field: String, found: UInt16, family: String)
    case noAdapter(found: UInt16)
    case mergedAdapter(found: UInt16)
    /// The model has no such level of quality, or light of this size would be too small for it.
    case noQuality(FrameQuality, family: String)
    case qualitySize(FrameQuality, FrameSize)
    /// The system gives no memory for what was planned.
    case memory(MemoryRefusal)

    init(unusable depth: DepthEncoding) {
        switch depth {
        case .linear(let metresPerUnit, let far):
            let hasScale = metresPerUnit > 0 && metresPerUnit.isFinite
            self = hasScale ? .depthRange(near: 0, far: far) : .depthScale(metresPerUnit)
        case .deviceReversed(let near, let far): self = .depthRange(near: near, far: far)
        }
    }

    package var field: String {
        switch self {
        case .size(let size): FrameSize.sides.contains(size.width) ? "height" : "width"
        case .missingPlane, .repeatedPlane, .unreadPlane: "planes"
        case .planeFormat(let index, _, _): "planes[\(index)].format"
        case .rowStride(let index, _, _): "planes[\(index)].row_stride"
        case .planeOutsidePayload(let index, _, _): "planes[\(index)]"
        case .depthScale: "depth_scale"
        case .depthRange: "depth_near"
        case .motionScale, .motionUnstated: "motion_scale_x"
        case .cameraRequired: "camera"
        case .camera(let field, _): field
        case .frameSize: "width"
        case .storage(let name, _, _): name
        case .noScale(let field, _, _): field
        case .noAdapter, .mergedAdapter: "adapter_scale"
        case .noQuality, .qualitySize: "features"
        case .memory: ""
        }
    }

    /// The field's value where it is one number that was sent, else 0.
    package var found: Double {
        switch self {
        case .noScale(_, let found, _), .noAdapter(let found), .mergedAdapter(let found):
            Double(found)
        default: 0
        }
    }

    package var description: String {
        switch self {
        case .size(let size):
            "a frame has \(FrameSize.sides.lowerBound) to \(FrameSize.sides.upperBound) pixels a "
                + "side, not \(size)"
        case .missingPlane(let kind):
            "the model needs the plane \(kind)"
        case .repeatedPlane(let kind):
            "the plane \(kind) is there twice"
        case .unreadPlane(let kind, let model):
            "the model \(model) does not read the plane \(kind): open without it"
        case .planeFormat(_, let kind, let format):
            "the model cannot read the plane \(kind) in the format \(format)"
        case .rowStride(_, let rowStride, let least):
            "a row takes \(least) bytes, more than the row stride of \(rowStride)"
        case .planeOutsidePayload(_, let end, let payload):
            "the plane ends at byte \(end) of a payload of \(payload) bytes"
        case .depthScale(let scale):
            "the model needs depth in metres: state depth_scale, the metres per unit of the depth "
                + "plane, as a number above 0 (found \(scale))"
        case .depthRange(let near, let far):
            "device depth needs 0 < near < far (found near \(near), far \(far))"
        case .motionScale(let scale):
            "a motion plane needs finite scales other than 0 (found \(scale))"
        case .motionUnstated:
            "a motion plane needs motion_scale_x and motion_scale_y"
        case .cameraRequired:
            "view-space normals need a camera in every frame"
        case .camera(let field, let value):
            "\(field) cannot be used (found \(value))"
        case .frameSize(let expected, let found):
            "the frame is \(found), its workspace was made for \(expected)"
        case .storage(let name, let byteCount, let needed):
            "\(name) has \(byteCount) bytes and needs \(needed)"
        case .noScale(let field, let found, let family):
            "\(field) is \(found): models of the family \(family) have no such scale; send 0"
        case .noQuality(let quality, let family):
            "models of the family \(family) have no quality \(quality), only full: they draw the "
                + "picture itself, not its light"
        case .qualitySize(let quality, let size):
            "at quality \(quality) the light of a frame of \(size) has \(quality.light(of: size)) "
                + "pixels; it needs \(FrameSize.sides.lowerBound) a side"
        case .memory(let refusal): refusal.description
        case .noAdapter(let found):
            "adapter_scale is \(found): this model has no adapter (no parts.lora in model.json); "
                + "send 0"
        case .mergedAdapter(let found):
            "adapter_scale is \(found): this model's adapter is merged into its weights; send 0, or "
                + "set \(FrameDiffuserManifest.perSessionField) to true in its model.json and "
                + "start the daemon again"
        }
    }
}
