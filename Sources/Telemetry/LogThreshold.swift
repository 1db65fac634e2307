package import Logging
import Synchronization

/// The level from which on lines are logged, by all loggers that were given it: it may change while they log.
package final class LogThreshold: Sendable {
    private let place: Atomic<Int>

    package init(_ level: Logger.Level) { place = Atomic(Self.place(of: level)) }

    package var level: Logger.Level {
        get { Logger.Level.allCases[place.load(ordering: .relaxed)] }
        set { place.store(Self.place(of: newValue), ordering: .relaxed) }
    }

    private static func place(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}

/// A handler whose level is a threshold's, unless one of its loggers has been given a level of its own.
package struct ThresholdLogHandler<Base: LogHandler>: LogHandler {
    private let threshold: LogThreshold
    private var own: Logger.Level?
    private var base: Base

    package init(_ base: Base, _ threshold: LogThreshold) {
        self.base = base
        self.threshold = threshold
    }

    package var logLevel: Logger.Level {
        get { own ?? threshold.level }
        set { own = newValue }
    }

    package var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    package var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    package func log(event: LogEvent) { base.log(event: event) }
}
