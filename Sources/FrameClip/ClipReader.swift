// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Reads a clip folder into memory as docs/clips.md describes it, checking everything on the way.
package struct ClipReader {
    private let folder: ClipFolder
    private let options: ClipOptions
    private let size: FrameSize
    private let cameras: CameraFile?
    private let layout: GBufferLayout
    private let numbers: ArraySlice<Int>
    private let planes: ClipPlanes
    private let depthKind: DepthKind

    /// Looks at the names of the files, the first base color and `camera.json`.
    package init(folder path: String, options: ClipOptions = ClipOptions()) throws(ClipError) {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        folder = try ClipFolder(path: trimmed, step: options.numberStep)
        self.options = options
        cameras = try CameraFile.read(in: trimmed)
        let stated = cameras?.statements ?? CameraFile.Statements()
        numbers = folder.numbers.prefix(max(1, options.frameLimit ?? .max))
        if let file = cameras, !file.frames.isEmpty,
            let absent = numbers.first(where: { file.frames[$0] == nil })
        {
            throw .wrong(path: file.path, sentence: "frame \(absent) has no camera")
        }
        let hasCameras = cameras.map { !$0.frames.isEmpty } ?? false
        depthKind = options.depthKind ?? stated.depthKind ?? .planar
        let normalSpace = options.normalSpace ?? stated.normalSpace ?? .world
        let scale = options.metresPerUnit ?? stated.unitsPerMetre.map { Float(1 / $0) }
        let gaps = Unstated(
            clip: trimmed, kind: depthKind, hasScale: scale != nil,
            statesUnits: stated.unitsPerMetre != nil, hasCameras: hasCameras,
            isViewSpace: normalSpace == .view)
        if let wrong = gaps.error { throw wrong }
        let first = try folder.file(.baseColor, folder.numbers[0])
        size = try ClipPlanes.file(first).header.size
        planes = ClipPlanes(size: size, stated: stated)
        layout = Self.layout(
            size: size, hasMetallic: folder.has(.metallic), hasEmissive: folder.has(.emissive),
            origin: options.origin,
            normalSpace: normalSpace, isPlanar: depthKind == .planar,
            depth: .linear(
                metresPerUnit: depthKind == .planar ? scale ?? 1 : 1,
                far: options.far ?? .infinity))
        try checkCameras()
        let bytes = decodedByteCount
        guard bytes <= options.byteLimit else {
            throw .tooLarge(folder: trimmed, byteCount: bytes, limit: options.byteLimit)
        }
    }

    package var frameCount: Int { numbers.count }

    /// What the decoded clip takes.
    package var decodedByteCount: Int {
        let reference = folder.has(.finalImage) ? size.pixelCount * 3 : 0
        return numbers.count * (layout.byteCount + reference)
    }

    /// - Parameter progress: called after each frame with how many are done.
    package func read(progress: (Int) -> Void = { _ in }) throws(ClipError) -> Clip {
        var frames: [Clip.Frame] = []
        frames.reserveCapacity(numbers.count)
        for number in numbers {
            frames.append(try readFrame(number))
            progress(frames.count)
        }
        let name = folder.path.split(separator: "/").last.map(String.init) ?? folder.path
        var clip = Clip(
            name: name, layout: layout, frames: frames, framesPerSecond: cameras?.framesPerSecond)
        clip.said = said
        return clip
    }

    private func checkCameras() throws(ClipError) {
        guard let file = cameras, !file.frames.isEmpty else { return }
        for number in numbers {
            guard let frame = file.frames[number] else { continue }
            let found = FrameSize(
                width: frame.width ?? size.width, height: frame.height ?? size.height)
            guard found == size else {
                throw .wrong(
                    path: file.path,
                    sentence: "the camera of frame \(number) is for \(found) pixels, the planes "
                        + "have \(size)")
            }
            guard depthKind != .reversed || frame.camera.near > 0 else {
                throw .wrong(
                    path: file.path,
                    sentence: "the camera of frame \(number) has no near plane, which reversed "
                        + "depth needs")
            }
        }
    }

    private func readFrame(_ number: Int) throws(ClipError) -> Clip.Frame {
        let stated = cameras?.frames[number]
        var camera = stated?.camera
        var payload: [UInt8] = []
        payload.reserveCapacity(layout.byteCount)
        payload += try planes.color(
            folder.file(.baseColor, number), planes.stated.baseColor, key: "baseColor")
        payload += try planes.normals(folder.file(.normals, number))
        payload += try depth(number, stated)
        payload += try planes.roughness(folder.file(.roughness, number))
        if folder.has(.metallic) {
            payload += try planes.grey(folder.file(.metallic, number), "Metallic")
        }
        if folder.has(.emissive) {
            payload += try planes.color(
                folder.file(.emissive, number), planes.stated.emissive, key: "emissive")
        }
        var reference: PNGImage?
        if folder.has(.finalImage) {
            let bytes = try planes.color(
                folder.file(.finalImage, number), planes.stated.finalImage, key: "finalImage")
            reference = PNGImage(size: size, channels: 3, bytes: bytes)
        }
        if let far = options.far, let plane = camera {
            camera?.far = far.isFinite ? far : 0
            if plane.near >= far { camera?.near = 0 }
        }
        let jitter = stated?.jitter ?? .zero
        return Clip.Frame(
            number: number, payload: payload, camera: camera,
            jitter: SIMD2(Float(jitter.x), Float(jitter.y)), reference: reference)
    }

    /// 16-bit planar depth as it is stored, lowest byte first, sky as 0; any other as Float32 metres.
    private func depth(
        _ number: Int, _ stated: CameraFile.Frame?
    ) throws(ClipError) -> [UInt8] {
        let path = try folder.file(.depth, number)
        let (values, top) = try planes.depth(path)
        guard depthKind != .planar, let stated else {
            return values.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        }
        let metres = StoredDepth(
            kind: depthKind, top: top, camera: stated, size: size, origin: options.origin,
            metresPerUnit: options.metresPerUnit
                ?? planes.stated.unitsPerMetre.map { Float(1 / $0) } ?? 1)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 4)
        for (index, value) in values.enumerated() {
            let bits = metres.metres(value, at: index).bitPattern
            for shift in [0, 8, 16, 24] as [UInt32] {
                bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        }
        return bytes
    }

    /// Where an option won over the file.
    private var said: [String] {
        guard let stated = cameras?.statements else { return [] }
        var said: [String] = []
        if let option = options.metresPerUnit, let units = stated.unitsPerMetre,
            option != Float(1 / units)
        {
            said.append(
                "a depth unit is \(option) m as the option says; camera.json says \(units) units "
                    + "a metre")
        }
        if let option = options.depthKind, let kind = stated.depthKind, option != kind {
            said.append(
                "the depth's kind is \(option) as the option says; camera.json says \(kind)")
        }
        if let option = options.normalSpace, let space = stated.normalSpace, option != space {
            said.append(
                "the normals' space is \(option) as the option says; camera.json says \(space)")
        }
        let fars = numbers.compactMap { cameras?.frames[$0]?.camera.far }
        if let option = options.far, let far = fars.first(where: { $0 > 0 && $0 != option }) {
            said.append(
                "depth at or beyond \(option) m is sky as the option says; camera.json says "
                    + "\(far)")
        }
        return said
    }

    private static func layout(
        size: FrameSize, hasMetallic: Bool, hasEmissive: Bool, origin: RowOrigin,
        normalSpace: NormalSpace,
        isPlanar: Bool, depth: DepthEncoding
    ) -> GBufferLayout {
        var formats: [(kind: PlaneKind, format: PixelFormat)] = [
            (.baseColor, .rgb8sRGB), (.normals, .rgb8UNorm),
            (.depth, isPlanar ? .r16 : .r32Float), (.roughness, .r8),
        ]
        if hasMetallic { formats.append((.metallic, .r8)) }
        // The last, so that a layout without it is the start of the same payload.
        if hasEmissive { formats.append((.emissive, .rgb8sRGB)) }
        return GBufferLayout(
            packed: formats, size: size, origin: origin, normalSpace: normalSpace, depth: depth)
    }
}

/// What neither `camera.json` nor an option says, though the planes need it.
private struct Unstated {
    var clip: String
    var kind: DepthKind
    var hasScale, statesUnits, hasCameras, isViewSpace: Bool

    var error: ClipError? {
        if kind != .reversed && !hasScale {
            return .wrong(
                path: clip + "/Depth",
                sentence: "the depth has no known scale; state it in camera.json "
                    + "(encodings.depth.unitsPerMetre) or by an option")
        }
        if kind == .reversed && statesUnits {
            return .wrong(
                path: clip + "/camera.json",
                sentence: "encodings.depth.unitsPerMetre has no meaning for reversed depth")
        }
        if kind != .planar && !hasCameras {
            return .wrong(
                path: clip,
                sentence: "\(kind.rawValue) depth needs the cameras of a camera.json")
        }
        if isViewSpace && !hasCameras {
            return .wrong(
                path: clip, sentence: "view-space normals need the cameras of a camera.json")
        }
        return nil
    }
}
