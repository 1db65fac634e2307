package import Logging

/// One JSON object on one line.
///
/// Members are `time`, `level`, `logger`, `message`, then the metadata by name: all strings, nested metadata flattened to
/// `outer.inner`. Metadata named like one of the first four get a final `_`. A line has at most 8 KiB.
package struct JSONLogFormat: LogFormat {
    package let reservedNames = ["time", "level", "logger", "message"]
    private let label: String

    /// - Parameter label: The logger's, written as the member `logger`.
    package init(label: String) { self.label = label }

    package func line(of event: LogEvent, _ members: [(name: String, text: String)], at time: Timestamp) -> [UInt8] {
        var line = JSONLine()
        line.append("time", time.description)
        line.append("level", event.level.rawValue)
        line.append("logger", label)
        line.append("message", event.message.description)
        for (name, text) in members { line.append(name, text) }
        return line.finished()
    }
}
