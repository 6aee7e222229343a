// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// The terminal as a screen: keys come one by one and unseen, and the shell's text is there again at the
/// end.
final class RawTerminal {
    enum Key: Equatable {
        case character(Character)
        case up, down, pageUp, pageDown, enter, escape, erase, interrupt
    }

    private var previous = termios()
    private var pending: [UInt8] = []
    /// An initializer that gives up ends in `deinit` as well.
    private var isRaw = false

    /// - Returns: nil where standard input and output are not both terminals.
    init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return nil }
        // Locals and this object's own settings, here and below.
        guard unsafe tcgetattr(STDIN_FILENO, &previous) == 0 else { return nil }
        var raw = previous
        unsafe cfmakeraw(&raw)
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw)
        isRaw = true
        // The other screen, without a cursor.
        write("\u{1B}[?1049h\u{1B}[?25l", to: STDOUT_FILENO)
    }

    deinit {
        guard isRaw else { return }
        write("\u{1B}[?25h\u{1B}[?1049l", to: STDOUT_FILENO)
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &previous)
    }

    /// Columns and lines; 80 by 24 where the terminal does not say.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0,
            size.ws_row > 0
        else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    func draw(_ lines: [TopScreen.Line]) {
        let texts = lines.map { line in
            switch line.style {
            case .plain: line.text
            case .head: "\u{1B}[1m\(line.text)\u{1B}[0m"
            case .selected: "\u{1B}[7m\(line.text)\u{1B}[0m"
            }
        }
        // Drawn over the old lines in one write: nothing flickers.
        write(
            "\u{1B}[H" + texts.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J",
            to: STDOUT_FILENO)
    }

    /// - Returns: nil when no key came within so long; `.interrupt` also when the terminal is gone.
    func key(milliseconds: Int32) -> Key? {
        if pending.isEmpty {
            guard fill(milliseconds: milliseconds) else { return nil }
            if pending.isEmpty { return .interrupt }
        }
        let byte = pending.removeFirst()
        switch byte {
        case 3: return .interrupt
        case 13, 10: return .enter
        case 8, 127: return .erase
        case 27: return sequence()
        case 32..<127: return .character(Character(UnicodeScalar(byte)))
        default: return nil
        }
    }

    /// After ESC: what follows at once belongs to it.
    private func sequence() -> Key? {
        if pending.isEmpty, !fill(milliseconds: 25) { return .escape }
        guard pending.first == UInt8(ascii: "[") || pending.first == UInt8(ascii: "O") else {
            return .escape
        }
        pending.removeFirst()
        var text = ""
        while let byte = pending.first {
            pending.removeFirst()
            text.append(Character(UnicodeScalar(byte)))
            // The last one of a sequence.
            if (64...126).contains(byte) { break }
        }
        switch text {
        case "A": return .up
        case "B": return .down
        case "5~": return .pageUp
        case "6~": return .pageDown
        default: return nil
        }
    }

    /// - Returns: whether there was something; with nothing in `pending`, the end.
    private func fill(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, milliseconds) > 0 else { return false }
        var bytes = [UInt8](repeating: 0, count: 64)
        // The array is lent to the call with its size.
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe read(STDIN_FILENO, $0.baseAddress, $0.count)
        }
        pending += bytes.prefix(max(0, count))
        return true
    }
}
