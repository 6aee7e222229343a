// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CUV

/// The memory of one libuv handle, kept until libuv says that it is closed. Loop thread only.
///
/// While the handle is open libuv's `data` field holds a reference to this object, so callbacks
/// always find it alive; the close callback gives that reference back.
final class LoopHandle {
    private let memory: UnsafeMutableRawPointer
    private var isClosing = false
    /// Called by the kinds of handle that carry no more than a number: timer, async, signal, poll …
    var fired: ((_ value: Int32) -> Void)?
    /// The stream whose handle this is, kept alive until the handle is closed.
    var connection: Connection?
    var didClose: (() -> Void)?

    /// - Parameter start: calls libuv's init function of the kind.
    init(_ kind: uv_handle_type, _ start: (UnsafeMutableRawPointer) -> Int32) throws(SocketError) {
        // libuv says how large its own structure is; 16 bytes is malloc's alignment in C.
        memory = .allocate(byteCount: uv_handle_size(kind), alignment: 16)
        let status = start(memory)
        guard status == 0 else {
            isClosing = true
            throw .system(call: "init", subject: "libuv handle", code: -status)
        }
        generic.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    deinit { memory.deallocate() }

    /// The handle as its own kind; valid as long as this object lives.
    func pointer<Kind>(as kind: Kind.Type) -> UnsafeMutablePointer<Kind> {
        memory.assumingMemoryBound(to: kind)
    }

    var generic: UnsafeMutablePointer<uv_handle_t> { pointer(as: uv_handle_t.self) }
    var isOpen: Bool { !isClosing }

    func close() {
        guard !isClosing else { return }
        isClosing = true
        uv_close(generic) { handle in
            // The reference was stored by `init`; taking it here ends libuv's claim on the memory.
            guard let data = handle?.pointee.data else { return }
            let closed = Unmanaged<LoopHandle>.fromOpaque(data).takeRetainedValue()
            let (connection, didClose) = (closed.connection, closed.didClose)
            closed.fired = nil
            closed.connection = nil
            closed.didClose = nil
            withExtendedLifetime(connection) { didClose?() }
        }
    }

    /// The object behind a handle that libuv hands to a callback.
    static func of<Kind>(_ handle: UnsafeMutablePointer<Kind>?) -> LoopHandle? {
        // Every libuv handle structure starts with the fields of uv_handle_t, and `data` is set for
        // as long as libuv calls back.
        guard let handle,
            let data = UnsafeMutableRawPointer(handle)
                .assumingMemoryBound(to: uv_handle_t.self).pointee.data
        else { return nil }
        return Unmanaged<LoopHandle>.fromOpaque(data).takeUnretainedValue()
    }
}
