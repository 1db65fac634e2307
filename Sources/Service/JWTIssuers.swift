import HTTP
import Logging
import Sockets
import Telemetry

/// The keys of every issuer, each with its source.
struct JWTIssuers: Sendable {
    /// One issuer's.
    private struct Entry: Sendable {
        let keys: IssuerKeys
        /// Whom the source trusts; nil for a file.
        let context: ReloadableTLSContext?
        /// Keeps the keys fresh.
        let task: Task<Void, Never>?
    }

    /// For the whole answer with a key set.
    private static let deadline = Duration.seconds(10)

    private var entries: [Entry] = []

    var keys: [IssuerKeys] { entries.map(\.keys) }
    /// Whom the sources trust.
    var contexts: [ReloadableTLSContext] { entries.compactMap(\.context) }

    /// - Parameter previous: Those that take over here: an issuer that is the same keeps its keys.
    /// - Throws: When the authorities of an issuer cannot be used.
    init(
        _ issuers: [JWTIssuer], after previous: JWTIssuers? = nil, on group: EventLoopGroup, metrics: MetricsRegistry,
        logger: Logger
    ) throws(TLSError) {
        let client = HTTPClient(on: group)
        for issuer in issuers {
            if let known = previous?.entries.first(where: { $0.keys.issuer == issuer }) {
                entries.append(known)
                continue
            }
            let known = previous?.entries.first {
                ($0.keys.issuer.issuer, $0.keys.issuer.keys) == (issuer.issuer, issuer.keys)
            }
            let source: any KeySource
            let context = if let known { known.context } else { try Self.context(of: issuer) }
            switch issuer.keys {
            case .file(let path): source = KeyFile(path: path)
            case .url(let text, _, let tokenFile):
                // The configuration has checked the URL.
                guard let url = HTTPURL(text), let context else { continue }
                source = KeyURL(client: client, url: url, tls: context, tokenFile: tokenFile, deadline: Self.deadline)
            }
            let keys = IssuerKeys(
                issuer, from: source, after: known?.keys, timekeeper: LoopTimekeeper(group), metrics: metrics,
                logger: logger)
            entries.append(Entry(keys: keys, context: context, task: nil))
        }
    }

    /// Whom the issuer's source trusts; nil for a file.
    static func context(of issuer: JWTIssuer) throws(TLSError) -> ReloadableTLSContext? {
        guard case .url(_, let caFile, _) = issuer.keys else { return nil }
        return try .upstream(caFile: caFile, certificate: nil)
    }

    /// Keeps all keys fresh from now on, until ``stop(except:)``.
    mutating func start() {
        entries = entries.map { entry in
            let task = entry.task ?? Task { [keys = entry.keys] in await keys.run() }
            return Entry(keys: entry.keys, context: entry.context, task: task)
        }
    }

    /// Leaves all keys alone from now on that are not among those of `others` too.
    func stop(except others: JWTIssuers? = nil) {
        for entry in entries where others?.entries.contains(where: { $0.keys === entry.keys }) != true {
            entry.task?.cancel()
            if let others, !others.keys.contains(where: { $0.issuer.issuer == entry.keys.issuer.issuer }) {
                entry.keys.retire()
            }
        }
    }
}
