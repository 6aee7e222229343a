// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Byte offsets of the structs in `frame_protocol.h`. A test pins every one to the header.
enum WireHeader {
    static let byteCount = 32
    static let magic = 0
    static let version = 4
    static let type = 6
    static let flags = 8
    static let bodyBytes = 12
    static let payloadBytes = 16
    static let frameID = 24
}

enum WirePlane {
    static let byteCount = 8
    static let kind = 0
    static let format = 1
    static let reserved = 2
    static let rowStride = 4
}

enum WireOpen {
    static let byteCount = 328
    static let features = 0
    static let width = 8
    static let height = 12
    static let planeCount = 16
    static let origin = 17
    static let mailbox = 18
    static let viewIndex = 19
    static let pictureFormat = 20
    static let transport = 21
    static let normalSpace = 22
    static let normalAxes = 23
    static let depthKind = 24
    static let roughnessKind = 25
    static let motionDirection = 26
    static let motionFlags = 27
    static let frameBudget = 28
    static let depthScale = 32
    static let motionScaleX = 36
    static let motionScaleY = 40
    static let controlScale = 44
    static let adapterScale = 46
    static let depthNear = 48
    static let depthFar = 56
    static let seed = 64
    static let model = 72
    static let clientName = 136
    static let planes = 200
    static let textByteCount = 64
}

enum WireCamera {
    static let byteCount = 176
    static let fx = 0
    static let fy = 8
    static let cx = 16
    static let cy = 24
    static let near = 32
    static let far = 40
    static let cameraToWorld = 48
}

enum WireHistory {
    static let byteCount = 216
    static let width = 0
    static let height = 4
    static let flags = 8
    static let reserved = 12
    static let frameID = 16
    static let seed = 24
    static let jitterX = 32
    static let jitterY = 36
    static let camera = 40
}

enum WireFrame {
    static let byteCount = 208
    static let motionFrom = 0
    static let clientTime = 8
    static let exposure = 16
    static let historyTrust = 20
    static let jitterX = 24
    static let jitterY = 28
    static let camera = 32
}

enum WireOpened {
    static let byteCount = 208
    static let sessionID = 0
    static let features = 8
    static let plannedBytes = 16
    static let payloadBytes = 24
    static let pictureBytes = 32
    static let maxFramesInFlight = 40
    static let history = 44
    static let model = 48
    static let modelByteCount = 64
    static let modelVersion = 112
    static let modelVersionByteCount = 32
    static let precision = 144
    static let precisionByteCount = 16
    static let kernelPath = 160
    static let kernelPathByteCount = 48
}

enum WirePicture {
    static let byteCount = 360
    static let clientTime = 0
    static let historyFrame = 8
    static let read = 16
    static let queue = 24
    static let convert = 32
    static let render = 40
    static let encode = 48
    static let age = 56
    static let nextSend = 64
    static let load = 72
    static let computedShare = 76
    static let width = 80
    static let height = 84
    static let rowStride = 88
    static let format = 92
    static let reserved = 96
    static let droppedCount = 100
    static let droppedIDs = 104
}

enum WireError {
    static let byteCount = 344
    static let code = 0
    static let severity = 4
    static let value = 8
    static let limit = 16
    static let field = 24
    static let fieldByteCount = 64
    static let text = 88
    static let textByteCount = 256
}
