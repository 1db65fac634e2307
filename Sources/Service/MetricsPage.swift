import HTTP
import Synchronization
import Telemetry

/// The metrics as text, made away from the event loops, once for all who ask for that format meanwhile. A large page, which
/// is costly to make, to compress and to hold, is shared for a second more, since anyone may ask.
final class MetricsPage: Sendable {
    private static let largeBytes = 256 * 1024

    private struct Page {
        let body: Task<CompressibleBody, Never>
        /// From when there has to be another; nil while this one is being made.
        var end: ContinuousClock.Instant?
    }

    private let registry: MetricsRegistry
    private let pages = Mutex<[ExpositionFormat: Page]>([:])

    init(_ registry: MetricsRegistry) { self.registry = registry }

    func current(_ format: ExpositionFormat, at now: ContinuousClock.Instant = .now) async -> CompressibleBody {
        let body = pages.withLock { pages in
            if let page = pages[format], page.end.map({ now < $0 }) ?? true { return page.body }
            let body = Task.detached { self.make(format, at: now) }
            pages[format] = Page(body: body)
            return body
        }
        return await body.value
    }

    private func make(_ format: ExpositionFormat, at now: ContinuousClock.Instant) -> CompressibleBody {
        let body = CompressibleBody(registry.exposition(format))
        pages.withLock { pages in
            if body.bytes.count > Self.largeBytes {
                pages[format]?.end = now.advanced(by: .seconds(1))
            } else {
                pages[format] = nil
            }
        }
        return body
    }
}

extension ExpositionFormat {
    /// The one that a client prefers. OpenMetrics has to be asked for by its name, or by a greater weight; a client that takes
    /// neither gets the other.
    init(acceptedBy accept: Accept) {
        let openMetrics = accept.preference(for: Self.openMetrics.mediaType)
        let prometheus = accept.preference(for: Self.prometheus.mediaType)
        let isEnough = openMetrics.isNamed && openMetrics.weight > 0 && openMetrics.weight == prometheus.weight
        self = isEnough || openMetrics.weight > prometheus.weight ? .openMetrics : .prometheus
    }

    var mediaType: MediaType {
        switch self {
        case .prometheus: MediaType("text", "plain", [("version", "0.0.4"), ("charset", "utf-8")])
        case .openMetrics: MediaType("application", "openmetrics-text", [("version", "1.0.0"), ("charset", "utf-8")])
        }
    }
}
