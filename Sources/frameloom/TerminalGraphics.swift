// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FoundationEssentials
import Glibc

/// How a terminal shows pictures.
enum TerminalGraphics: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// The graphics protocol of kitty (also WezTerm, Ghostty, Konsole): pixels as they are.
    case kitty
    /// DEC's sixels (xterm, foot, mlterm, Windows Terminal): pixels of 216 colors.
    case sixel
    /// Two pixels a character, in any terminal with 24-bit colors.
    case blocks

    /// A picture of one pixel that is only checked, then "what are you?", which every terminal answers.
    static let question = "\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\\u{1B}[c"

    /// By what the terminal answered to the question, and by what it calls itself.
    init(answer: [UInt8], environment: [String: String]) {
        let text = String(decoding: answer, as: UTF8.self)
        let program = environment["TERM_PROGRAM"]?.lowercased() ?? ""
        let name = environment["TERM"]?.lowercased() ?? ""
        if text.contains("_Gi=31;OK") || environment["KITTY_WINDOW_ID"] != nil
            || name.contains("kitty") || program == "ghostty" || program == "wezterm"
        {
            self = .kitty
        } else if Self.attributes(in: text).contains("4") || name.contains("sixel") {
            self = .sixel
        } else {
            self = .blocks
        }
    }

    /// Of the answer `ESC [ ? 6 4 ; 4 c`: "64", "4".
    private static func attributes(in text: String) -> [Substring] {
        guard let start = text.firstRange(of: "\u{1B}[?"),
            let end = text[start.upperBound...].firstIndex(of: "c")
        else { return [] }
        return text[start.upperBound..<end].split(separator: ";")
    }

    /// Asks the terminal that this program runs in. A terminal multiplexer answers for itself.
    static var ofThisTerminal: TerminalGraphics {
        TerminalGraphics(answer: ask(), environment: ProcessInfo.processInfo.environment)
    }

    /// What the terminal says within a moment; nothing where there is none, or somebody else has it.
    private static func ask() -> [UInt8] {
        let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { return [] }
        defer { close(terminal) }
        // In the background, changing the terminal would stop this program.
        guard tcgetpgrp(terminal) == getpgrp() else { return [] }
        var kept = termios()
        // Both structs are locals that outlive the calls.
        guard unsafe tcgetattr(terminal, &kept) == 0 else { return [] }
        var raw = kept
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        guard unsafe tcsetattr(terminal, TCSANOW, &raw) == 0 else { return [] }
        defer { _ = unsafe tcsetattr(terminal, TCSANOW, &kept) }
        write(question, to: terminal)
        var answer: [UInt8] = []
        let end = now() + 500_000_000
        while now() < end, answer.count < 4096 {
            var entry = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
            // One entry and one byte, locals that outlive the calls.
            guard unsafe poll(&entry, 1, 50) > 0 else { continue }
            var byte: UInt8 = 0
            guard unsafe read(terminal, &byte, 1) == 1 else { break }
            answer.append(byte)
            // The last of the two answers ends so; kitty's own has no such letter behind "[?".
            if byte == UInt8(ascii: "c"),
                String(decoding: answer, as: UTF8.self).contains("\u{1B}[?")
            {
                break
            }
        }
        return answer
    }
}
