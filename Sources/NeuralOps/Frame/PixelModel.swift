// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// What the network reads of each pixel, in model.json's words.
package enum InputPlane: String, CaseIterable, Sendable {
    case baseColor, normals, depth, roughness, metallic, source, sigma, carriedLight

    package var channels: Int {
        switch self {
        case .baseColor, .normals, .source, .carriedLight: 3
        case .depth, .roughness, .metallic, .sigma: 1
        }
    }
}

/// What the network says about each pixel.
package enum OutputPlane: String, CaseIterable, Sendable {
    case lightOnBaseColor, addedLight, historyGate

    package var channels: Int { self == .historyGate ? 1 : 3 }
}

/// The numbers of a compact model that are no weights.
package struct PixelSettings: Sendable, Equatable {
    package var eps: Float
    package var lightRange: Float
    package var carriedLightLimit: Float
    package var ownTrust: Float
    /// How much of a picture is kept from the one before it, 0..<1 (temporal accumulation); 0: nothing.
    package var accumulation: Float
    /// Radians that the eye may move around a smooth surface, from one frame to the next, with the network
    /// still told how it looked; infinite: however far.
    package var mirrorParallax: Float
    /// Metres per metre and metres: how far a depth may be from the reprojected one.
    package var depthRelative: Float
    package var depthAbsolute: Float
    /// Metres.
    package var skyDistance: Float
    /// World positions that map to -1 and 1, metres.
    package var boundsMin: SIMD3<Float>
    package var boundsMax: SIMD3<Float>
    /// Metres; what lies at or beyond is sky, whatever a client states: no network has seen such
    /// numbers, and they would spoil what lies around them.
    package var farthestSurface: Float {
        max(100 * (boundsMax - boundsMin).max(), 2 * skyDistance)
    }
    /// Metres.
    package var normalOffset: Float
    package var inputs: [InputPlane]
    package var outputs: [OutputPlane]
    package var probeChannels: Int
    /// Points of the probe grid along x, y, z.
    package var probeGrid: SIMD3<Int>
    /// nil: the model has none.
    package var placeGrid: PlaceGridSettings?
    /// Whether the picture is the emissive plane's light and what the network says.
    package var addsEmissive: Bool

    package init(
        eps: Float, lightRange: Float, carriedLightLimit: Float, ownTrust: Float,
        depthRelative: Float, depthAbsolute: Float, skyDistance: Float, boundsMin: SIMD3<Float>,
        boundsMax: SIMD3<Float>, normalOffset: Float, inputs: [InputPlane],
        outputs: [OutputPlane], probeChannels: Int, probeGrid: SIMD3<Int>,
        placeGrid: PlaceGridSettings? = nil, addsEmissive: Bool = false, accumulation: Float = 0,
        mirrorParallax: Float = .infinity
    ) {
        self.eps = eps
        self.lightRange = lightRange
        self.carriedLightLimit = carriedLightLimit
        self.ownTrust = ownTrust
        self.depthRelative = depthRelative
        self.depthAbsolute = depthAbsolute
        self.skyDistance = skyDistance
        self.boundsMin = boundsMin
        self.boundsMax = boundsMax
        self.normalOffset = normalOffset
        self.inputs = inputs
        self.outputs = outputs
        self.probeChannels = probeChannels
        self.probeGrid = probeGrid
        self.placeGrid = placeGrid
        self.addsEmissive = addsEmissive
        self.accumulation = accumulation
        self.mirrorParallax = mirrorParallax
    }

    /// Channels of the planes of a 4x4 cell, then probe features, the view direction and the reads of
    /// the place grid.
    package var inputChannels: Int { placeChannel + (placeGrid?.channels ?? 0) }
    package var outputChannels: Int { outputs.reduce(0) { $0 + $1.channels } * Int(K_LANES) }
    var probeChannel: Int { inputs.reduce(0) { $0 + $1.channels } * Int(K_LANES) }
    private var placeChannel: Int { probeChannel + probeChannels + 3 }

    func channel(of plane: InputPlane) -> UInt32 {
        UInt32(inputs.prefix { $0 != plane }.reduce(0) { $0 + $1.channels } * Int(K_LANES))
    }

    func channel(of plane: OutputPlane) -> UInt32 {
        UInt32(outputs.prefix { $0 != plane }.reduce(0) { $0 + $1.channels } * Int(K_LANES))
    }
}

extension PixelSettings {
    /// The features as integers of 16 bits, from what their planes can hold.
    /// - Parameters:
    ///   - probes: `[channels, z, y, x]`.
    ///   - places: of each level of the place grid.
    package func featureScale(probes: [Float], places: [PlaceTable]) -> ValueScale {
        var largest: [Float] = []
        for plane in inputs {
            let range: Float =
                switch plane {
                case .baseColor, .roughness, .metallic, .source, .sigma: 1
                // A byte of 0 is less than -1.
                case .normals: 1.01
                // log1p(z) / 3 - 1 at 1000 km.
                case .depth: 4
                case .carriedLight: carriedLightLimit
                }
            largest += Array(repeating: range, count: plane.channels * Int(K_LANES))
        }
        let points = probeGrid.x * probeGrid.y * probeGrid.z
        for channel in 0..<probeChannels {
            let values = probes[channel * points..<(channel + 1) * points]
            largest.append(values.reduce(1e-3) { max($0, abs($1)) })
        }
        largest += [1, 1, 1]
        if let placeGrid {
            for channel in 0..<placeGrid.channels {
                // Reads are means of rows.
                let (level, feature) = placeGrid.source(ofChannel: channel)
                largest.append(max(1e-3, places[level].largest[feature]))
            }
        }
        return ValueScale(
            plainSteps: largest.map { $0 / 32767 }, reluSteps: largest.map { $0 / 255 })
    }
}

/// The settings as the pixel kernels read them, with tables, the probe grid and the place grid.
///
/// `@unchecked Sendable`: written in `init`, read only afterwards.
package final class PixelModel: @unchecked Sendable {
    package let settings: PixelSettings
    package let kernelPath: KernelPath
    /// Memory of the packed grids.
    package let byteCount: Int
    let description: UnsafeMutablePointer<k_model>
    private let probes: UnsafeMutablePointer<Float>
    private let places: UnsafeMutablePointer<UInt32>

    /// - Parameters:
    ///   - probes: `[channels, z, y, x]`.
    ///   - places: of each level of the place grid, if the model has one.
    package init(
        settings: PixelSettings, probes source: [Float], places tables: [PlaceTable],
        kernelPath: KernelPath
    ) {
        self.settings = settings
        self.kernelPath = kernelPath
        let grid = settings.probeGrid
        let points = grid.x * grid.y * grid.z
        let stride = ActivationShape.padded(settings.probeChannels)
        precondition(source.count == settings.probeChannels * points, "probes of another shape")
        let placeRows = tables.reduce(0) { $0 + $1.rows.count }
        precondition(
            tables.map(\.rows.count) == settings.placeGrid?.rows ?? [],
            "a place grid of another shape")
        byteCount = (points * stride + placeRows) * 4
        // All are freed in `deinit`.
        places = UnsafeMutableRawPointer.allocate(
            byteCount: max(placeRows * 4, 64), alignment: 64
        ).bindMemory(to: UInt32.self, capacity: placeRows)
        var filled = 0
        for table in tables {
            (places + filled).initialize(from: table.rows, count: table.rows.count)
            filled += table.rows.count
        }
        probes = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 64), alignment: 64)
            .bindMemory(to: Float.self, capacity: points * stride)
        k_pack_probes(probes, source, settings.probeChannels, points, stride)
        description = .allocate(capacity: 1)
        description.initialize(to: k_model())
        description.pointee.probes = UnsafePointer(probes)
        description.pointee.place.tables = UnsafePointer(places)
        describe(settings)
        fillTables(eps: settings.eps)
    }

    deinit {
        description.deallocate()
        probes.deallocate()
        places.deallocate()
    }

    private func describe(_ settings: PixelSettings) {
        let model = description
        model.pointee.eps = settings.eps
        model.pointee.light_range = settings.lightRange
        model.pointee.carried_light_limit = settings.carriedLightLimit
        model.pointee.own_trust = settings.ownTrust
        model.pointee.accumulation = settings.accumulation
        model.pointee.mirror_parallax = settings.mirrorParallax
        model.pointee.depth_relative = settings.depthRelative
        model.pointee.depth_absolute = settings.depthAbsolute
        model.pointee.sky_distance = settings.skyDistance
        model.pointee.depth_limit = settings.farthestSurface
        let scale = 2 / (settings.boundsMax - settings.boundsMin)
        model.pointee.bounds_min = (
            settings.boundsMin.x, settings.boundsMin.y, settings.boundsMin.z
        )
        model.pointee.bounds_scale = (scale.x, scale.y, scale.z)
        model.pointee.normal_offset = settings.normalOffset
        model.pointee.base_at = settings.channel(of: .baseColor)
        model.pointee.normal_at = settings.channel(of: .normals)
        model.pointee.depth_at = settings.channel(of: .depth)
        model.pointee.roughness_at = settings.channel(of: .roughness)
        model.pointee.metallic_at = settings.channel(of: .metallic)
        model.pointee.source_at = settings.channel(of: .source)
        model.pointee.sigma_at = settings.channel(of: .sigma)
        model.pointee.light_at = settings.channel(of: .carriedLight)
        model.pointee.probe_at = UInt32(settings.probeChannel)
        model.pointee.light_out_at = settings.channel(of: .lightOnBaseColor)
        model.pointee.added_out_at = settings.channel(of: .addedLight)
        model.pointee.gate_out_at = settings.channel(of: .historyGate)
        model.pointee.probe_channels = UInt32(settings.probeChannels)
        model.pointee.probe_stride = UInt32(ActivationShape.padded(settings.probeChannels))
        model.pointee.probe_x = UInt32(settings.probeGrid.x)
        model.pointee.probe_y = UInt32(settings.probeGrid.y)
        model.pointee.probe_z = UInt32(settings.probeGrid.z)
        if let grid = settings.placeGrid { describe(grid) }
    }

    private func describe(_ grid: PlaceGridSettings) {
        description.pointee.place_channels = UInt32(grid.channels)
        let firsts = grid.rows.indices.map { grid.rows[..<$0].reduce(0, +) }
        withUnsafeMutableBytes(of: &description.pointee.place.rows) { rows in
            grid.rows.map(UInt32.init).withUnsafeBytes { rows.copyMemory(from: $0) }
        }
        withUnsafeMutableBytes(of: &description.pointee.place.first) { first in
            firsts.map(UInt32.init).withUnsafeBytes { first.copyMemory(from: $0) }
        }
        description.pointee.place.levels = UInt32(grid.cellSides.count)
        description.pointee.place.fine_levels = UInt32(grid.fineLevels)
        description.pointee.place.coarsest_side = grid.cellSides[0]
        let (least, most) = (grid.boundsMin, grid.boundsMax)
        description.pointee.place.bounds_min = (least.x, least.y, least.z)
        description.pointee.place.bounds_max = (most.x, most.y, most.z)
        description.pointee.place.normal_offset = grid.normalOffset
    }

    private func fillTables(eps: Float) {
        let linear = withUnsafeBytes(of: k_srgb_to_linear) { Array($0.bindMemory(to: Float.self)) }
        let shifted = linear.map { $0 + eps }
        withUnsafeMutableBytes(of: &description.pointee.lin) { table in
            linear.withUnsafeBytes { table.copyMemory(from: $0) }
        }
        withUnsafeMutableBytes(of: &description.pointee.log_lin) { table in
            kernelPath.kernels.table.pointee.log(
                table.bindMemory(to: Float.self).baseAddress, shifted, shifted.count)
        }
        k_fill_shown(description)
    }
}
