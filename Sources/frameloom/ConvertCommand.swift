// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FileFormats
import FrameControl
import Glibc

/// The converter of the training tools under the name that people look for.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Make a clip folder of EXR files, of Hypersim or of Noisebase.",
        discussion: """
            The first argument says what is read: `exr` (any EXR files), `unreal` (Movie Render Queue), \
            `blender` (passes), `hypersim` or `noisebase`; `frameloom convert KIND --help` lists what \
            it takes. Needs Python 3.11 (python3, or what FRAMELOOM_PYTHON names) with the packages of \
            training/requirements-convert.txt.
            """)

    @Argument(
        parsing: .captureForPassthrough, help: "Kind, its options, and the clip's new folder.")
    var arguments: [String] = []

    /// Becomes the converter, so that its output, exit code and Ctrl-C are this program's.
    func run() throws {
        guard let tools = DefaultPaths.trainingFolder else {
            throw RunError.program(
                "training/convert.py",
                reason: "it lies neither beside this program nor in share/frameloom/training")
        }
        let python = DefaultPaths.python
        let words = [python, "\(tools)/convert.py"] + arguments
        // The strings are ours, and stay until the program is another one or ends.
        var list = unsafe words.map { unsafe strdup($0) } + [nil]
        unsafe setenv("FRAMELOOM_COMMAND", "frameloom convert", 1)  // the name in its help
        // What it wrote beside itself would stay when what was installed is removed.
        unsafe setenv("PYTHONDONTWRITEBYTECODE", "1", 1)
        unsafe execvp(python, &list)
        throw RunError.program(python, reason: FileBytes.text(ofErrno: errno))
    }
}
