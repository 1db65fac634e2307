import Glibc
package import Logging
package import Redis
package import Sealing
import Synchronization
package import Telemetry
package import TokenBroker

/// A store in a Redis or Valkey server, which one broker at a time has.
///
/// What was kept is there within 20 ms plus one round trip, and as durable as the server makes it. While the server takes
/// nothing, records stay in memory, see ``RecordCommitter``. It is asked for every 5 s whether it is there, and whether the
/// store is still ours: for 15 s after the last answer nobody else takes it.
package final class RedisStore: TokenStore {
    private let committer: RecordCommitter
    private let hasEnded = Atomic(false)

    /// Takes the store, or begins one, and reads what is in it.
    ///
    /// One that is under another master key, or of a later version, is refused and stays as it is. What was sealed with the
    /// ring's previous key is sealed anew with the active one.
    ///
    /// - Parameters:
    ///   - prefix: Of all keys that are used.
    ///   - patience: How long to wait for the server, and for another broker that is about to give the store up.
    ///   - seconds: The wall clock, in seconds since 1970.
    /// - Returns: The store, and all records in it, in no order.
    package static func open(
        _ client: RedisClient, prefix: String, keys: KeyRing, timekeeper: any Timekeeper,
        metrics registry: MetricsRegistry, logger: Logger, patience: Duration = .seconds(20),
        seconds: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
    ) async throws(StoreError) -> (store: RedisStore, kept: KeptRecords) {
        let place = RedisPlace(client, keys: keys, prefix: prefix)
        let kept = try await take(place, keys: keys, timekeeper, patience: patience, at: seconds(), logger: logger)
        let metrics = StoreMetrics(registry)
        metrics.refused.increment(by: kept.refused)
        logger.info("store open", metadata: ["prefix": "\(prefix)", "records": "\(kept.records.records.count)"])
        if let policy = await place.evictionPolicy(), policy != "noeviction" {
            logger.warning(
                "the server may drop tokens and revocations when its memory is full: set maxmemory-policy noeviction",
                metadata: ["policy": "\(policy)"])
        }
        let committer = RecordCommitter(
            place, timekeeper: timekeeper, seconds: seconds, metrics: metrics, logger: logger)
        StoreMetrics.observe(committer, in: registry)
        let store = RedisStore(committer)
        store.stay(timekeeper)
        return (store, kept.records)
    }

    /// Seals everything in the store anew that the ring's previous key sealed; it may be interrupted at any instant.
    ///
    /// - Returns: How many records that were.
    package static func reseal(
        _ client: RedisClient, prefix: String, keys: KeyRing, timekeeper: any Timekeeper, patience: Duration = .zero
    ) async throws(StoreError) -> Int {
        let place = RedisPlace(client, keys: keys, prefix: prefix)
        try await acquire(place, timekeeper, patience: patience)
        let result: Result<Int, StoreError>
        do throws(StoreError) {
            result = .success(try await place.isOfActiveKey() ? 0 : place.reseal(at: Int64(time(nil))))
        } catch { result = .failure(error) }
        await place.close()
        return try result.get()
    }

    private init(_ committer: RecordCommitter) { self.committer = committer }

    // MARK: - Opening

    private static func take(
        _ place: RedisPlace, keys: KeyRing, _ timekeeper: any Timekeeper, patience: Duration, at now: Int64,
        logger: Logger
    ) async throws(StoreError) -> (records: KeptRecords, refused: Int) {
        try await acquire(place, timekeeper, patience: patience)
        do throws(StoreError) {
            if try await !place.isOfActiveKey() {
                let count = try await place.reseal(at: now)
                logger.notice("the store was sealed anew", metadata: ["records": "\(count)"])
            }
            let (records, refused) = try await place.load()
            return (kept(records, refused, keys: keys, logger: logger), refused.count)
        } catch {
            await place.close()
            throw error
        }
    }

    /// Waits until the store is ours.
    private static func acquire(
        _ place: RedisPlace, _ timekeeper: any Timekeeper, patience: Duration
    ) async throws(StoreError) {
        let end = timekeeper.now + patience
        while true {
            var failure = StoreError.inUse
            do throws(StoreError) {
                if try await place.acquire() { return }
            } catch {
                guard error.mayPass else { throw error }
                failure = error
            }
            guard timekeeper.now < end else { throw failure }
            await timekeeper.sleep(until: timekeeper.now + .milliseconds(250))
        }
    }

    private static func kept(
        _ records: [Record], _ refused: [RedisRecord.Key], keys: KeyRing, logger: Logger
    ) -> KeptRecords {
        guard !refused.isEmpty else { return KeptRecords(records) }
        let places = Set(refused.map(\.tenant))
        let damaged = Set(records.map(\.id.tenant)).filter {
            places.contains(RedisRecord.Key.tenant($0, keys: keys))
        }
        logger.error(
            "records in the store are not as they were written, and were left out",
            metadata: [
                "records": "\(refused.count)", "tenants": "\(damaged.sorted().prefix(10).joined(separator: ", "))",
            ])
        return KeptRecords(records, damaged: damaged)
    }

    /// Says again and again that we are there.
    private func stay(_ timekeeper: any Timekeeper) {
        Task { [weak self] in
            while self?.hasEnded.load(ordering: .relaxed) == false {
                await timekeeper.sleep(until: timekeeper.now + RedisPlace.lease / 3)
                guard let self, !self.hasEnded.load(ordering: .relaxed) else { return }
                await self.committer.probe()
            }
        }
    }

    // MARK: - TokenStore

    package func keep(_ records: [Record]) { committer.keep(records) }

    package func settle() async -> Bool { await committer.settle() }

    package var condition: StoreCondition { committer.condition }

    /// Makes durable what was kept, and gives the store up; what comes later is not kept.
    ///
    /// - Parameter limit: After that what has not happened is left to itself; it is no less safe than after a crash.
    package func close(within limit: Duration) async {
        hasEnded.store(true, ordering: .relaxed)
        await committer.close(within: limit)
    }
}

extension StoreError {
    /// Whether it may be another thing a little later, without anybody having changed a setting.
    fileprivate var mayPass: Bool {
        guard case .redis(let error) = self else { return false }
        return switch error {
        case .connect, .closed, .timedOut, .unknownHost: true
        case .refused(let refusal): ["LOADING", "MASTERDOWN", "BUSY"].contains(refusal.code)
        default: false
        }
    }
}
