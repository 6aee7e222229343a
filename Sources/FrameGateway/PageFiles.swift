// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials

/// The files that may be asked for, listed once: what is not in the list does not exist.
struct PageFiles {
    struct File {
        var path: String
        var mediaType: String
    }

    private var files: [String: File] = [:]

    /// - Parameter folders: folder by the start of its path in addresses.
    init(_ folders: [String: String]) throws(GatewayError) {
        for (prefix, folder) in folders {
            guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder) else {
                throw .noFolder(path: folder, reason: "not a folder that can be read")
            }
            for name in names {
                let ending = name.split(separator: ".").last.map(String.init) ?? ""
                guard let mediaType = Self.mediaTypes[ending] else { continue }
                files[prefix + name] = File(path: folder + "/" + name, mediaType: mediaType)
                if name == "index.html" { files[prefix] = files[prefix + name] }
            }
        }
    }

    subscript(address: String) -> File? { files[address] }

    private static let mediaTypes = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
        "json": "application/json", "glb": "model/gltf-binary", "txt": "text/plain; charset=utf-8",
        "png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml",
    ]
}
