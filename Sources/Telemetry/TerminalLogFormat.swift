package import Logging

/// One aligned line for people: time of day in UTC, level, message, then the metadata by name.
///
/// A value with anything but plain characters is quoted, and escaped as in ``JSONLogFormat``.
package struct TerminalLogFormat: LogFormat {
    package let reservedNames: [String] = []
    /// Most messages have fewer characters.
    private static let messageWidth = 22
    private let isColored: Bool

    /// - Parameter isColored: With the terminal's colors (ECMA-48).
    package init(isColored: Bool) { self.isColored = isColored }

    package func line(of event: LogEvent, _ members: [(name: String, text: String)], at time: Timestamp) -> [UInt8] {
        // Of 2026-11-02T09:15:30.250Z what is after the T.
        var line = colored(String(time.description.dropFirst(11)), .dim)
        line += " " + colored(Self.padded(event.level.rawValue, to: 8), Self.color(of: event.level))
        let message = Self.escaped(event.message.description)
        line += " " + (members.isEmpty ? message : Self.padded(message, to: Self.messageWidth))
        for (name, text) in members {
            line += " " + colored(Self.word(name) + "=", .dim) + Self.word(text)
            if line.utf8.count > JSONLine.maximumBytes { break }
        }
        return Array(line.utf8) + [UInt8(ascii: "\n")]
    }

    // MARK: - Texts

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func word(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { $0.isASCII && $0 > " " && $0 != "\"" && $0 != "\\" && $0 != "=" }
        let escaped = escaped(text)
        return isPlain && escaped == text ? text : "\"\(escaped)\""
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            guard escaped.utf8.count < JSONLine.maximumValueBytes else { return escaped + "…" }
            escaped += JSONLine.escaped(scalar)
        }
        return escaped
    }

    // MARK: - Colors

    private enum Color: Int { case dim = 2, bold = 1, red = 31, yellow = 33, green = 32 }

    private static func color(of level: Logger.Level) -> Color {
        switch level {
        case .trace, .debug: .dim
        case .info: .green
        case .notice: .bold
        case .warning: .yellow
        case .error, .critical: .red
        }
    }

    private func colored(_ text: String, _ color: Color) -> String {
        isColored ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text
    }
}
