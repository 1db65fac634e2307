import Glibc
package import Logging
package import Sealing
package import Telemetry
package import TokenBroker

/// A store in one SQLite file, which one process at a time has open.
///
/// What was kept is durable within 20 ms plus one commit, if no longer commit is under way: records are gathered for 20 ms,
/// and all that have come go into one transaction with one `fsync`. Nothing waits for the disk but ``settle()``.
///
/// While the file takes nothing, because the disk is full, read-only or failing, records stay in memory, each in its last
/// version, and are tried again after 1 s, 2 s and so on up to 30 s. Once SQLite finds the file corrupt it is left alone
/// until the next start sets it aside.
package final class SQLiteStore: TokenStore {
    let writer: StoreWriter
    private let committer: RecordCommitter

    /// Opens the store at `path`, or begins one there, and reads what is in it.
    ///
    /// A file that is broken or no database is moved away, and another begun. One that is not ours to open (under another
    /// master key, of a later version, another program's, in use) is refused and stays as it is. What was sealed with the
    /// ring's previous key is sealed anew with the active one.
    ///
    /// - Parameters:
    ///   - path: The folder that it is in is made too, with access for its owner only, but none above.
    ///   - patience: How long to wait for another process that is about to let go of the file.
    ///   - seconds: The wall clock, in seconds since 1970.
    /// - Returns: The store, and all records in it, in no order.
    package static func open(
        _ path: String, keys: KeyRing, timekeeper: any Timekeeper, metrics registry: MetricsRegistry, logger: Logger,
        patience: Duration = .seconds(10), seconds: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
    ) throws(StoreError) -> (store: SQLiteStore, kept: KeptRecords) {
        let file = try file(at: path, keys: keys, patience: patience, logger: logger)
        let (records, refused) = try file.load()
        let metrics = StoreMetrics(registry)
        metrics.refused.increment(by: refused.count)
        report(refused, logger: logger)
        logger.info("store open", metadata: ["path": "\(path)", "records": "\(records.count)"])
        let writer = StoreWriter(file)
        let committer = RecordCommitter(
            writer, timekeeper: timekeeper, seconds: seconds, metrics: metrics, logger: logger)
        StoreMetrics.observe(committer, in: registry)
        return (SQLiteStore(writer, committer), KeptRecords(records, damaged: Set(refused.map(\.tenant))))
    }

    /// Seals everything in the store at `path` with the ring's active key, in one transaction; it may be interrupted at any
    /// instant. What is under that key already stays as it is, and a broken file too.
    ///
    /// - Parameter progress: Told how many records are done, of how many.
    package static func reseal(
        _ path: String, keys: KeyRing, progress: (_ done: Int, _ of: Int) -> Void
    ) throws(StoreError) {
        try StorePath(path).prepare()
        _ = try StoreFile(path, keys: keys, progress: progress)
    }

    private init(_ writer: StoreWriter, _ committer: RecordCommitter) {
        self.writer = writer
        self.committer = committer
    }

    // MARK: - Opening

    private static func file(
        at path: String, keys: KeyRing, patience: Duration, logger: Logger
    ) throws(StoreError) -> StoreFile {
        let place = StorePath(path)
        try place.prepare()
        do throws(StoreError) {
            return try StoreFile(path, keys: keys, patience: patience)
        } catch {
            guard error.isDamage else { throw error }
            let target = try place.setAside(at: .now)
            logger.error(
                "the store is broken: it was set aside, and a new one begun",
                metadata: ["path": "\(path)", "reason": "\(error)", "set_aside": "\(target)"])
            try place.prepare()
            return try StoreFile(path, keys: keys)
        }
    }

    /// Logs whose records were left out, the first ten of them.
    private static func report(_ refused: [RecordRow.Key], logger: Logger) {
        guard !refused.isEmpty else { return }
        let owners = Set(refused.map { "\(Record.Kind(rawValue: $0.kind)?.text ?? "unknown") of \"\($0.tenant)\"" })
        logger.error(
            "records in the store are not as they were written, and were left out",
            metadata: ["records": "\(refused.count)", "first": "\(owners.sorted().prefix(10).joined(separator: ", "))"])
    }

    // MARK: - TokenStore

    package func keep(_ records: [Record]) { committer.keep(records) }

    package func settle() async -> Bool { await committer.settle() }

    package var condition: StoreCondition { committer.condition }

    /// Makes durable what was kept, moves the log into the file and lets go of it; what comes later is not kept.
    ///
    /// - Parameter limit: After that what has not happened is left to itself; it is no less safe than after a crash.
    package func close(within limit: Duration) async { await committer.close(within: limit) }
}

extension Record.Kind {
    fileprivate var text: String {
        switch self {
        case .token: "token"
        case .credential: "credential"
        case .tenant: "tenant"
        case .tombstone: "tombstone"
        }
    }
}
