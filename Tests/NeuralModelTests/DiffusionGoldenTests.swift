// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps
import TestSupport
import Testing

@testable import NeuralModel

let supportedPaths = KernelPath.allCases.filter(\.isSupported)

/// The small networks of the goldens, in one graph on a golden's inputs.
private struct GoldenBench {
    static let folder = "\(PackageFolder.goldens)/framediffuser/model"

    let golden: Golden
    let precision: WeightPrecision
    var graph: TensorGraph
    private let buffers: [String: TensorBuffer]

    init(_ size: String, _ path: KernelPath, _ precision: WeightPrecision = .fp32) throws {
        golden = try Golden("framediffuser/modules_\(size)")
        self.precision = precision
        graph = TensorGraph(kernelPath: path)
        var buffers: [String: TensorBuffer] = [:]
        for name in ["latent", "planes", "picture", "decoder.latent", "timestep", "embedding"] {
            buffers[name] = try Self.buffer(golden, name)
        }
        self.buffers = buffers
    }

    /// `[c, h, w]`, `[tokens, c]` or `[1]`.
    private static func buffer(_ golden: Golden, _ name: String) throws -> TensorBuffer {
        let (shape, values) = (try golden.tensor(name).shape, try golden.floats(name))
        guard shape.count == 3 else {
            let buffer = TensorBuffer(
                ActivationShape(
                    height: 1, width: shape.dropLast().first ?? 1, channels: shape[shape.count - 1])
            )
            buffer.fill(values)
            return buffer
        }
        let (c, pixels) = (shape[0], shape[1] * shape[2])
        let buffer = TensorBuffer(ActivationShape(height: shape[1], width: shape[2], channels: c))
        buffer.fill((0..<pixels * c).map { values[$0 % c * pixels + $0 / c] })
        return buffer
    }

    mutating func input(_ name: String) throws -> TensorGraph.Value {
        graph.external(try #require(buffers[name]))
    }

    /// Some channels of an input, multiplied.
    mutating func input(
        _ name: String, channels: Range<Int>, times factor: Float = 1
    ) throws -> TensorGraph.Value {
        let whole = try #require(buffers[name])
        var shape = whole.shape
        shape.channels = channels.count
        let part = TensorBuffer(shape)
        part.fill(
            whole.values.enumerated().filter { channels.contains($0.offset % whole.shape.channels) }
                .map { $0.element * factor })
        return graph.external(part)
    }

    mutating func number(_ value: Float) -> TensorGraph.Value {
        let buffer = TensorBuffer(ActivationShape(height: 1, width: 1, channels: 1))
        buffer.fill([value])
        return graph.external(buffer)
    }

    /// Largest error of each result, relative to its largest value.
    func errors(_ results: [(name: String, value: TensorGraph.Value)]) throws -> [String: Float] {
        var graph = graph
        let outputs = results.map { TensorBuffer($0.value.shape) }
        for (result, output) in zip(results, outputs) { graph.copy(result.value, to: output) }
        let plan = TensorPlan(graph)
        StepRunner.twoThreads.run(plan.steps(in: Arena(byteCount: plan.byteCount)))
        var errors: [String: Float] = [:]
        for (result, output) in zip(results, outputs) {
            let reference = try Self.buffer(golden, result.name)
            #expect(reference.shape == output.shape, "\(result.name)")
            errors[result.name] = Difference(output.values, reference.values).relative
        }
        return errors
    }

    func part<Network>(
        _ name: String, adapter: (merged: Bool, file: String)? = nil,
        _ make: (DiffusionLayers, ManifestReader) throws -> Network
    ) throws -> Network {
        let folder = "\(Self.folder)/\(name)"
        let part = PartReader(try PartWeights(folder: folder))
        var apart: LowRankAdapter?
        if let adapter {
            let loaded = try LowRankAdapter(
                file: "\(Self.folder)/\(adapter.file)", layerNames: part.weights.layerNames)
            if adapter.merged { try part.weights.merge(loaded) } else { apart = loaded }
        }
        let network = try make(
            DiffusionLayers(part, precision: precision, adapter: apart),
            ManifestReader(file: "\(folder)/config.json"))
        return network
    }
}

@Suite struct DiffusionGoldenTests {
    /// Measured 2e-6 to 1e-5: sums of thousands of products in another order.
    private static let bound: Float = 1e-4

    private func control(
        _ bench: inout GoldenBench, _ inputs: DiffusionInputs
    ) throws -> ControlResiduals {
        let network = try bench.part("controlnet") { layers, file in
            try ControlNet(layers, UNetConfig(file, isControlNet: true))
        }
        let condition = network.condition(&bench.graph, planes: try bench.input("planes"))
        return network.forward(
            &bench.graph, latent: try bench.input("latent", channels: 0..<4),
            condition: condition, inputs: inputs, scale: bench.number(1))
    }

    private func unet(
        _ bench: GoldenBench, merged: Bool, file: String = "controllora.safetensors"
    ) throws -> UNet {
        try bench.part("unet", adapter: (merged, file)) { layers, file in
            try UNet(layers, UNetConfig(file, isControlNet: false), inputChannels: 8)
        }
    }

    @Test(arguments: ["64x64", "128x64"], supportedPaths)
    func controlNetAndUNetAreTheReferences(size: String, path: KernelPath) throws {
        var bench = try GoldenBench(size, path)
        let inputs = DiffusionInputs(
            timestep: try bench.input("timestep"), text: try bench.input("embedding"))
        let control = try control(&bench, inputs)
        let unet = try unet(bench, merged: true)
        let latent = try bench.input("latent")
        let plain = unet.forward(&bench.graph, latents: [latent], inputs: inputs)
        let controlled = unet.forward(
            &bench.graph, latents: [latent], inputs: inputs, control: control)
        var results = control.encoder.enumerated().map {
            (name: "controlnet.out.\($0.offset)", value: $0.element)
        }
        results += [
            ("controlnet.out.mid", control.middle), ("unet.out_uncontrolled", plain),
            ("unet.out", controlled),
        ]
        for (name, error) in try bench.errors(results) {
            #expect(error <= Self.bound, "\(name): \(error)")
        }
    }

    @Test(arguments: [("controllora.safetensors", Float(1)), ("controllora_kohya.safetensors", 1)])
    func anAdapterKeptApartActsAtItsScale(file: String, whole: Float) throws {
        for (scale, name) in [(whole, "unet.out"), (0.5, "unet.out_lora_half")] {
            var bench = try GoldenBench("64x64", .best)
            var inputs = DiffusionInputs(
                timestep: try bench.input("timestep"), text: try bench.input("embedding"))
            let control = try control(&bench, inputs)
            inputs.adapterScale = bench.number(scale)
            let unet = try unet(bench, merged: false, file: file)
            let latents = [
                try bench.input("latent", channels: 0..<4),
                try bench.input("latent", channels: 4..<8),
            ]
            let result = unet.forward(
                &bench.graph, latents: latents, inputs: inputs, control: control)
            let error = try #require(try bench.errors([(name, result)])[name])
            #expect(error <= Self.bound, "\(name): \(error)")
        }
    }

    @Test(arguments: ["64x64", "128x64"], supportedPaths)
    func autoencodersAreTheReferences(size: String, path: KernelPath) throws {
        var bench = try GoldenBench(size, path)
        var config = AutoencoderConfig()
        let (encoder, decoder) = try bench.part("vae") { layers, file in
            config = try AutoencoderConfig(file)
            config.scale = 1
            return (try AutoencoderEncoder(layers, config), try AutoencoderDecoder(layers, config))
        }
        let (tinyEncoder, tinyDecoder) = try bench.part("tiny") { layers, file in
            let config = try TinyAutoencoderConfig(file)
            return (try TinyEncoder(layers, config), try TinyDecoder(layers, config))
        }
        let (picture, latent) = (try bench.input("picture"), try bench.input("decoder.latent"))
        let results = [
            ("vae.mean", encoder.forward(&bench.graph, picture: picture)),
            ("vae.picture", decoder.forward(&bench.graph, latent: latent)),
            ("tiny.latent", tinyEncoder.forward(&bench.graph, picture: picture)),
            ("tiny.picture", tinyDecoder.forward(&bench.graph, latent: latent)),
        ]
        for (name, error) in try bench.errors(results) {
            #expect(error <= Self.bound, "\(name): \(error)")
        }
    }

    @Test func latentsCarryTheirScale() throws {
        var bench = try GoldenBench("64x64", .best)
        let (encoder, decoder) = try bench.part("vae") { layers, file in
            let config = try AutoencoderConfig(file)
            #expect(config.scale == 0.18215)
            return (try AutoencoderEncoder(layers, config), try AutoencoderDecoder(layers, config))
        }
        let picture = try bench.input("picture")
        let mean = encoder.forward(&bench.graph, picture: picture)
        let unscaled = bench.graph.affine(mean, factor: 1 / 0.18215, offset: 0)
        let latent = try bench.input("decoder.latent", channels: 0..<4, times: 0.18215)
        let decoded = decoder.forward(&bench.graph, latent: latent)
        for (name, error) in try bench.errors([("vae.mean", unscaled), ("vae.picture", decoded)]) {
            #expect(error <= Self.bound, "\(name): \(error)")
        }
    }

    /// Weights of 8 bits of mantissa: 2^-9 of each product at most, mostly averaged away; 3 to 6
    /// thousandths measured at the ends of the networks.
    @Test func weightsOf16BitsStayClose() throws {
        var bench = try GoldenBench("64x64", .best, .bf16)
        let inputs = DiffusionInputs(
            timestep: try bench.input("timestep"), text: try bench.input("embedding"))
        let control = try control(&bench, inputs)
        let unet = try unet(bench, merged: true)
        let latent = try bench.input("latent")
        let controlled = unet.forward(
            &bench.graph, latents: [latent], inputs: inputs, control: control)
        let (encoder, decoder) = try bench.part("vae") { layers, file in
            var config = try AutoencoderConfig(file)
            config.scale = 1
            return (try AutoencoderEncoder(layers, config), try AutoencoderDecoder(layers, config))
        }
        let (picture, decoded) = (try bench.input("picture"), try bench.input("decoder.latent"))
        let results = [
            ("controlnet.out.mid", control.middle), ("unet.out", controlled),
            ("vae.mean", encoder.forward(&bench.graph, picture: picture)),
            ("vae.picture", decoder.forward(&bench.graph, latent: decoded)),
        ]
        for (name, error) in try bench.errors(results) {
            #expect(error <= 0.015, "\(name): \(error)")
        }
    }
}
