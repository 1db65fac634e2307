package import Logging

/// Writes each log event as one JSON object on one line of standard error.
///
/// Members are `time`, `level`, `logger`, `message`, then the metadata by name: all strings, nested metadata flattened to
/// `outer.inner`. Metadata named like one of the first four get a final `_`. A line has at most 8 KiB.
package struct JSONLinesLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let now: @Sendable () -> Timestamp
    private let sink: @Sendable ([UInt8]) -> Void

    /// - Parameters:
    ///   - label: The logger's, written as the member `logger`.
    ///   - now: Where the time comes from.
    ///   - sink: Where a whole line goes, its line feed included.
    package init(
        label: String, logLevel: Logger.Level = .info, now: @escaping @Sendable () -> Timestamp = { .now },
        sink: @escaping @Sendable ([UInt8]) -> Void = { LineWriter.standardError.write($0) }
    ) {
        self.label = label
        self.logLevel = logLevel
        self.now = now
        self.sink = sink
    }

    /// One entry of `metadata`.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    package func log(event: LogEvent) {
        var line = JSONLine()
        line.append("time", now().description)
        line.append("level", event.level.rawValue)
        line.append("logger", label)
        line.append("message", event.message.description)
        for (name, value) in members(of: event).sorted(by: { $0.key < $1.key }) { line.append(name, value) }
        sink(line.finished())
    }

    /// The metadata of handler, provider and event, the later over the earlier, flattened.
    private func members(of event: LogEvent) -> [String: String] {
        var members: [String: String] = [:]
        for source in [metadata, metadataProvider?.get() ?? [:], event.metadata ?? [:]] {
            for (name, value) in source { Self.flatten(name, value, into: &members) }
        }
        if let error = event.error { members["error"] = "\(error)" }
        for reserved in ["time", "level", "logger", "message"] {
            if let value = members.removeValue(forKey: reserved) { members[reserved + "_"] = value }
        }
        return members
    }

    private static func flatten(_ name: String, _ value: Logger.Metadata.Value, into members: inout [String: String]) {
        switch value {
        case .string(let text): members[name] = text
        case .stringConvertible(let value): members[name] = value.description
        case .dictionary(let inner):
            for (key, value) in inner { flatten("\(name).\(key)", value, into: &members) }
        case .array(let elements):
            for (index, value) in elements.enumerated() { flatten("\(name).\(index)", value, into: &members) }
        }
    }
}
