// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CUV
import FrameTypes
import Glibc

/// One write under way: libuv's request, the bytes and the payload, all alive until it is done.
final class WriteRequest {
    private let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    private let bytes: UnsafeMutableRawBufferPointer
    private let payload: PixelStorage?
    private var completion: ((WriteOutcome) -> Void)?

    init(bytes: [UInt8], payload: PixelStorage?, completion: @escaping (WriteOutcome) -> Void) {
        self.bytes = .allocate(byteCount: max(bytes.count, 1), alignment: 1)
        self.bytes.copyBytes(from: bytes)
        byteCount = bytes.count
        self.payload = payload
        self.completion = completion
    }

    private let byteCount: Int

    deinit {
        request.deallocate()
        bytes.deallocate()
    }

    /// - Returns: libuv's status; if it is not 0 the request was not taken.
    func submit(to stream: UnsafeMutablePointer<uv_stream_t>) -> Int32 {
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        // libuv copies this list; the memory behind it belongs to `self`, which libuv's `data` holds
        // until the callback.
        let status = withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: 2) { list in
            list.initializeElement(at: 0, to: Self.buffer(bytes.baseAddress, byteCount))
            list.initializeElement(
                at: 1, to: Self.buffer(payload?.bytes.baseAddress, payload?.byteCount ?? 0))
            return uv_write(
                request, stream, list.baseAddress, payload == nil ? 1 : 2,
                { request, status in
                    guard let data = request?.pointee.data else { return }
                    Unmanaged<WriteRequest>.fromOpaque(data).takeRetainedValue().finish(status)
                })
        }
        if status != 0 { Unmanaged.passUnretained(self).release() }
        return status
    }

    func finish(_ status: Int32) {
        let completion = self.completion
        self.completion = nil
        completion?(status == 0 ? .sent : .failed(code: -status))
    }

    private static func buffer(_ start: UnsafeMutableRawPointer?, _ byteCount: Int) -> uv_buf_t {
        uv_buf_t(base: start?.assumingMemoryBound(to: CChar.self), len: byteCount)
    }
}

/// When a peer last took bytes.
struct WriteProgress {
    private var taken: UInt64 = 0
    /// Nanoseconds of the monotonic clock.
    private(set) var lastChange: UInt64 = 0

    /// - Parameter isIdle: nothing is waiting, so the peer owes nothing.
    mutating func note(taken: UInt64, isIdle: Bool, now: UInt64) {
        guard isIdle || taken != self.taken || now < lastChange else { return }
        self.taken = taken
        lastChange = now
    }

    /// So much time counts for nobody, nanoseconds.
    mutating func forgive(_ gap: UInt64) { lastChange += gap }
}
