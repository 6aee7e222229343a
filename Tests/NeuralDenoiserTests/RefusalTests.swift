// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser

@Suite struct RefusalTests {
    private let size = FrameSize(width: 64, height: 40)

    private func request(_ encoding: Scene.Encoding = Scene.Encoding()) -> FrameRequest {
        var random = SeededGenerator(seed: 3)
        return Scene(size, &random).request(encoding)
    }

    private func refusal(_ layout: GBufferLayout) throws -> DenoiserError? {
        let denoiser = try Denoiser(modelFolder: PackageFolder.defaultModel)
        do throws(DenoiserError) {
            try denoiser.check(layout)
            return nil
        } catch {
            return error
        }
    }

    private func layout(_ edit: (inout GBufferLayout) -> Void) -> GBufferLayout {
        var layout = request(Scene.Encoding(sendsMotion: true)).gbuffer.layout
        edit(&layout)
        return layout
    }

    @Test func takesEveryFormatOfTheProtocol() throws {
        for base in [PixelFormat.rgba8sRGB, .rgb8sRGB] {
            for normals in [PixelFormat.rgb8UNorm, .rgb10a2] {
                for (depth, encoding) in [
                    (PixelFormat.r16, DepthEncoding.linear(metresPerUnit: 0.01, far: .infinity)),
                    (.r32Float, .linear(metresPerUnit: 1, far: 100)),
                    (.r32Float, .deviceReversed(near: 0.1, far: .infinity)),
                ] {
                    let encoding = Scene.Encoding(
                        base: base, normals: normals, depth: depth, depthEncoding: encoding,
                        sendsKnown: true, sendsMotion: true)
                    #expect(try refusal(request(encoding).gbuffer.layout) == nil)
                }
            }
        }
    }

    /// By name, and by every family that does nothing with it.
    @Test(arguments: [PackageFolder.defaultModel, PackageFolder.goldens + "/framediffuser/model"])
    func refusesAPlaneThatTheModelDoesNotRead(folder: String) throws {
        let denoiser = try Denoiser(modelFolder: folder)
        guard !denoiser.readsEmissive else { return }
        let layout = request(Scene.Encoding(emissive: .rgba8sRGB)).gbuffer.layout
        let error = #expect(throws: DenoiserError.self) { try denoiser.check(layout) }
        #expect(error == .unreadPlane(.emissive, model: denoiser.description.name))
        #expect(error?.field == "planes")
        #expect(error?.description.contains("does not read the plane emissive") == true)
    }

    @Test func takesTheEmissivePlaneInItsFormats() throws {
        var folder = ModelFolder()
        folder.readsEmissive = true
        try folder.write()
        defer { folder.remove() }
        let denoiser = try Denoiser(modelFolder: folder.path)
        #expect(denoiser.readsEmissive)
        for format in PixelFormat.allCases {
            var layout = request(Scene.Encoding(emissive: .rgba16Float)).gbuffer.layout
            layout.planes[layout.planes.count - 1].format = format
            layout.planes[layout.planes.count - 1].rowStride = size.width * format.bytesPerPixel
            let isRead = [.rgba8sRGB, .rgb8sRGB, .rgba16Float].contains(format)
            var isTaken = true
            do { try denoiser.check(layout) } catch { isTaken = false }
            #expect(isTaken == isRead, "\(format)")
        }
    }

    @Test func namesWhatALayoutLacks() throws {
        for kind in [PlaneKind.baseColor, .normals, .depth, .roughness] {
            let error = try refusal(layout { $0.planes.removeAll { $0.kind == kind } })
            #expect(error == .missingPlane(kind))
            #expect(error?.field == "planes")
        }
        let twice = try refusal(layout { $0.planes.append($0.planes[0]) })
        #expect(twice == .repeatedPlane(.baseColor))
        let format = try refusal(layout { $0.planes[1].format = .r8 })
        #expect(format == .planeFormat(index: 1, kind: .normals, format: .r8))
        #expect(format?.field == "planes[1].format")
        let stride = try refusal(layout { $0.planes[2].rowStride = 63 })
        #expect(stride == .rowStride(index: 2, rowStride: 63, least: 64))
        #expect(stride?.field == "planes[2].row_stride")
        let end = try refusal(layout { $0.byteCount -= 1 })
        #expect(end?.field == "planes[5]")
        let negative = try refusal(layout { $0.planes[0].offset = -1 })
        #expect(negative?.field == "planes[0]")
        let huge = try refusal(layout { $0.planes[0].offset = .max })
        #expect(huge?.field == "planes[0]")
        let tooSmall = try refusal(layout { $0.size.height = 31 })
        #expect(tooSmall?.field == "height")
        let tooLarge = try refusal(layout { $0.size.width = 8193 })
        #expect(tooLarge?.field == "width")
    }

    @Test func saysHowToStateTheDepthScale() throws {
        for scale in [0, -1, Float.nan, .infinity] {
            let error = try refusal(
                layout { $0.depth = .linear(metresPerUnit: scale, far: .infinity) })
            #expect(error?.field == "depth_scale")
            #expect(error?.description.contains("metres per unit") == true)
        }
        for (near, far) in [(0.0, 1.0), (1, 1), (.nan, 2), (.infinity, .infinity)] {
            let error = try refusal(layout { $0.depth = .deviceReversed(near: near, far: far) })
            #expect(error?.field == "depth_near")
        }
        let device = try refusal(
            layout {
                $0.depth = .deviceReversed(near: 0.1, far: 10)
                let index = $0.planes.firstIndex { $0.kind == .depth } ?? 0
                $0.planes[index].format = .r16
            })
        #expect(device?.field == "planes[3].format")
    }

    @Test func refusesMotionWithoutScale() throws {
        #expect(try refusal(layout { $0.motion = nil }) == .motionUnstated)
        for scale in [0, Float.nan] {
            let error = try refusal(layout { $0.motion?.scaleY = scale })
            #expect(error?.field == "motion_scale_x")
        }
    }

    private func refusal(_ edit: (inout FrameRequest) -> Void) throws -> DenoiserError? {
        var request = request()
        edit(&request)
        let model = try atrium(.best)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        do throws(DenoiserError) {
            try workspace.begin(request)
            return nil
        } catch {
            return error
        }
    }

    @Test func refusesFramesItCannotRender() throws {
        #expect(try refusal { _ in } == nil)
        let viewSpace = try refusal {
            $0.gbuffer.layout.normalSpace = .view
            $0.gbuffer.camera = nil
        }
        #expect(viewSpace == .cameraRequired)
        let other = FrameSize(width: 32, height: 32)
        let size = try refusal { $0.gbuffer.layout.size = other }
        #expect(size == .frameSize(expected: self.size, found: other))
        for field in ["payload", "picture", "next history"] {
            let small = PixelStorage(byteCount: 100)
            let error = try refusal {
                switch field {
                case "payload": $0.gbuffer.storage = small
                case "picture": $0.picture = small
                default: $0.nextHistory = small
                }
            }
            #expect(error?.field == field)
        }
        let history = FrameHistory(
            size: self.size, frameID: 1, seed: 0, camera: nil, jitter: SIMD2(),
            storage: PixelStorage(byteCount: 10))
        #expect(try refusal { $0.history = history }?.field == "history")
    }

    @Test func refusesCamerasThatGiveNoPosition() throws {
        #expect(try refusal { $0.gbuffer.camera?.fx = 0 }?.field == "camera.fx")
        #expect(try refusal { $0.gbuffer.camera?.fy = .nan }?.field == "camera.fy")
        #expect(try refusal { $0.gbuffer.camera?.cx = .infinity }?.field == "camera.cx")
        #expect(try refusal { $0.gbuffer.camera?.near = -1 }?.field == "camera.near_plane")
        #expect(try refusal { $0.gbuffer.camera?.far = .nan }?.field == "camera.far_plane")
        let flat = try refusal { $0.gbuffer.camera?.cameraToWorld.x = SIMD4() }
        #expect(flat?.field == "camera.camera_to_world")
        let missing = try refusal { $0.gbuffer.camera?.cameraToWorld.z.w = .nan }
        #expect(missing?.field == "camera.camera_to_world")
        #expect(try refusal { $0.gbuffer.jitter.y = .nan }?.field == "jitter_x")
        let nearBeyondFar = try refusal {
            $0.gbuffer.layout.depth = .deviceReversed(near: 0.1, far: 10)
            $0.gbuffer.camera?.near = 20
        }
        #expect(nearBeyondFar == .depthRange(near: 20, far: 10))
    }
}
