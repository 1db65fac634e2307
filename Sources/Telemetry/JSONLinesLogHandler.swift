package import Logging

/// Writes each log event as one JSON object on one line of standard error.
///
/// Members are `time`, `level`, `logger`, `message`, then the metadata by name: all strings, nested metadata flattened to
/// `outer.inner`. Metadata named like one of the first four get a final `_`. A line has at most 8 KiB.
package struct JSONLinesLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider? = RequestContext.metadata

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
        let members = LogMembers.of(
            event, metadata, metadataProvider, reserved: ["time", "level", "logger", "message"])
        for (name, text) in members { line.append(name, text) }
        sink(line.finished())
    }
}
