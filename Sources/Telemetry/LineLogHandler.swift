package import Logging

/// What a log event looks like on its line.
package protocol LogFormat: Sendable {
    /// Names that a member of an event may not have: it gets a final `_`.
    var reservedNames: [String] { get }

    /// The whole line, with its line feed.
    func line(of event: LogEvent, _ members: [(name: String, text: String)], at time: Timestamp) -> [UInt8]
}

/// Writes each log event as one line of standard error.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider? = RequestContext.metadata

    private let format: any LogFormat
    private let now: @Sendable () -> Timestamp
    private let sink: @Sendable ([UInt8]) -> Void

    /// - Parameters:
    ///   - now: Where the time comes from.
    ///   - sink: Where a whole line goes, its line feed included.
    package init(
        _ format: any LogFormat, logLevel: Logger.Level = .info, now: @escaping @Sendable () -> Timestamp = { .now },
        sink: @escaping @Sendable ([UInt8]) -> Void = { LineWriter.standardError.write($0) }
    ) {
        self.format = format
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
        let members = LogMembers.of(event, metadata, metadataProvider, reserved: format.reservedNames)
        sink(format.line(of: event, members, at: now()))
    }
}
