import Glibc
package import Logging
package import Redis
package import Sealing
import Synchronization
package import Telemetry
package import TokenBroker

/// A store in a Redis or Valkey server, which any number of brokers have together.
///
/// What was kept is there within 20 ms plus one round trip, and as durable as the server makes it. The others learn of it by
/// a feed that each of them reads, and read everything anew when they have missed some of it. While the server takes
/// nothing, records stay in memory, see ``RecordCommitter``. A server that has lost something, as one that was flushed or
/// has failed over to an older copy, is given again all that is known here.
package final class RedisStore: TokenStore, Replicas {
    /// What there is to learn from the others.
    package enum Event: Sendable {
        case kept(KeptRecords)
        /// The server has lost something: it is to be given everything again.
        case lost
    }

    /// How often a broker says that it is there.
    static let beat = Duration.seconds(1)
    /// How long after an outage those are waited for who have yet to tell what they did in it.
    private static let newsLimit = Duration.seconds(3)
    /// How often the server is asked whether it takes anything.
    private static let probeInterval = Duration.seconds(5)

    private struct State {
        /// How long a broker counts as being there after its last sign of life.
        let lease: Duration
        var seen: UInt64 = 0
        /// The number of our last commit.
        var committed: UInt64 = 0
        var epoch: [UInt8]?
        /// How often the server has lost something, and up to which time it was given everything again.
        var losses = 0
        var mended = 0
        var isToReadAll = false
        /// The brokers that are there, as far as is known, this one among them.
        var members: Set<String> = []
        /// Until then nobody is taken for gone who was there when the server lost something.
        var trustFrom: Instant?
        /// What the server's clock said, in milliseconds since 1970, and when.
        var time: (said: Int64, at: Instant)?
        /// Whether the server did not answer last, or was never asked.
        var isAway = true
        /// Whom nothing is claimed before, who have yet to tell what they did while the server was away: until when they
        /// are waited for, and since when they have to have told everything, by the server's clock.
        var awaited: (names: Set<String>, until: Instant, since: Int64)?
        /// What is minted here, with or without a claim, by the claim's name: since when, and until when it may take.
        var underWay: [[UInt8]: (begun: Instant, until: Instant)] = [:]

        /// The last commit that is known here.
        var known: UInt64 { max(seen, committed) }

        /// Notes that a mint begins, whose end is to be kept.
        mutating func begin(_ claim: Claim, at now: Instant) {
            if claim.cost != nil { underWay[claim.name] = (now, now + max(claim.lease, lease)) }
        }

        /// The earliest beginning of what is under way.
        mutating func oldest(at now: Instant) -> Instant? {
            underWay = underWay.filter { $0.value.until > now }
            return underWay.values.map(\.begun).min()
        }

        mutating func note(_ feed: RedisPlace.FeedState, at now: Instant) {
            if let epoch, epoch != feed.epoch {
                losses += 1
                // As if it had been: the others know what it did.
                isAway = true
                trustFrom = now + lease
            }
            epoch = feed.epoch
        }
    }

    private typealias Instant = ContinuousClock.Instant

    private let place: RedisPlace
    private let reader: RedisClient
    private let state: SharedState
    private let committer: RecordCommitter
    private let timekeeper: any Timekeeper
    /// How long the others are waited for.
    private let spreadLimit: Duration
    private let metrics: StoreMetrics
    private let claims: ClaimMetrics
    private let keys: KeyRing
    private let logger: Logger
    private let hasEnded = Atomic(false)

    private final class SharedState: Sendable {
        let value: Mutex<State>
        init(_ value: State) { self.value = Mutex(value) }

        /// By the server's clock; by ours while that is not known.
        func timeOfDay(at now: ContinuousClock.Instant) -> Int64 {
            guard let (said, at) = value.withLock({ $0.time }) else { return Int64(time(nil)) * 1000 }
            return said + Int64((now - at) / .milliseconds(1))
        }
    }

    /// Joins the brokers that have the store, or begins one, and reads what is in it.
    ///
    /// One that is under another master key, or of a later version, is refused and stays as it is. What was sealed with the
    /// ring's previous key is sealed anew with the active one.
    ///
    /// - Parameters:
    ///   - reader: Another client of the same server, for what waits there for 1 s.
    ///   - prefix: Of all keys that are used.
    ///   - lease: How long a broker counts as being there after its last sign of life.
    ///   - patience: How long to wait for the server.
    ///   - spreadLimit: How long to wait for the others, see ``spread()``.
    ///   - seconds: The wall clock, in seconds since 1970; nil for the server's.
    /// - Returns: The store, and all records in it, in no order.
    package static func open(
        _ client: RedisClient, reader: RedisClient, prefix: String, keys: KeyRing, timekeeper: any Timekeeper,
        metrics registry: MetricsRegistry, logger: Logger, lease: Duration = .seconds(15),
        patience: Duration = .seconds(20), spreadLimit: Duration = .seconds(5), seconds: (@Sendable () -> Int64)? = nil
    ) async throws(StoreError) -> (store: RedisStore, kept: KeptRecords) {
        let state = SharedState(State(lease: lease))
        let seconds = seconds ?? { state.timeOfDay(at: timekeeper.now) / 1000 }
        let place = RedisPlace(
            client, keys: keys, prefix: prefix, known: { state.value.withLock { $0.known } },
            committed: { feed, isOurs in
                state.value.withLock { state in
                    state.note(feed, at: timekeeper.now)
                    if isOurs { state.committed = max(state.committed, feed.number) }
                }
            })
        try await patiently(timekeeper, patience) { () async throws(StoreError) in
            if try await !place.isOfActiveKey() {
                let count = try await place.reseal(at: seconds())
                logger.notice("the store was sealed anew", metadata: ["records": "\(count)"])
            }
        }
        // Whatever is kept after that is in the feed.
        let number = try await place.number()
        let (records, refused) = try await place.load()
        let metrics = StoreMetrics(registry)
        metrics.refused.increment(by: refused.count)
        logger.info("store open", metadata: ["prefix": "\(prefix)", "records": "\(records.count)"])
        if let policy = await place.evictionPolicy(), policy != "noeviction" {
            logger.warning(
                "the server may drop tokens and revocations when its memory is full: set maxmemory-policy noeviction",
                metadata: ["policy": "\(policy)"])
        }
        let committer = RecordCommitter(
            place, timekeeper: timekeeper, longestPause: .milliseconds(250), seconds: seconds, metrics: metrics,
            logger: logger)
        StoreMetrics.observe(committer, in: registry)
        let store = RedisStore(
            place, reader, state, committer, timekeeper, spreadLimit, metrics, registry, keys, logger)
        var kept = store.kept(records, refused)
        let later: KeptRecords
        do throws(StoreError) { later = try await store.catchUp(from: number) } catch {
            // It may have joined: nobody is to wait for it.
            await place.close()
            throw error
        }
        kept.records += later.records
        kept.damaged.formUnion(later.damaged)
        return (store, kept)
    }

    /// Seals everything in the store anew that the ring's previous key sealed; it may be interrupted at any instant, and
    /// brokers that have both keys may go on meanwhile.
    ///
    /// - Returns: How many records that were.
    package static func reseal(
        _ client: RedisClient, prefix: String, keys: KeyRing
    ) async throws(StoreError) -> Int {
        let place = RedisPlace(client, keys: keys, prefix: prefix)
        return try await place.isOfActiveKey() ? 0 : place.reseal(at: Int64(time(nil)))
    }

    private init(
        _ place: RedisPlace, _ reader: RedisClient, _ state: SharedState, _ committer: RecordCommitter,
        _ timekeeper: any Timekeeper, _ spreadLimit: Duration, _ metrics: StoreMetrics, _ registry: MetricsRegistry,
        _ keys: KeyRing, _ logger: Logger
    ) {
        self.place = place
        self.reader = reader
        self.state = state
        self.committer = committer
        self.timekeeper = timekeeper
        self.spreadLimit = spreadLimit
        self.metrics = metrics
        self.keys = keys
        self.logger = logger
        claims = ClaimMetrics(registry)
        registry.collect(
            "tokenwell_replicas", help: "Brokers that have the store, this one included.", kind: .gauge
        ) { [state] in [Sample(.count(max(1, state.value.withLock { $0.members.count })))] }
    }

    // MARK: - Opening

    /// Does something as soon as the server is there.
    private static func patiently(
        _ timekeeper: any Timekeeper, _ patience: Duration, _ body: () async throws(StoreError) -> Void
    ) async throws(StoreError) {
        let end = timekeeper.now + patience
        while true {
            do throws(StoreError) { return try await body() } catch {
                guard error.mayPass, timekeeper.now < end else { throw error }
            }
            await timekeeper.sleep(until: timekeeper.now + .milliseconds(250))
        }
    }

    /// Joins, and reads what was kept since the store was read: a revocation is answered once all who have joined know of it.
    private func catchUp(from number: UInt64) async throws(StoreError) -> KeptRecords {
        state.value.withLock { $0.seen = number }
        // Again, to tell in the epoch that we then know that there is nothing to tell.
        _ = try await join()
        let last = try await join()
        // Also when there are none: who may not read the feed does not start.
        let entries = try await place.entries(after: number, from: reader, waiting: .milliseconds(1))
        guard last > number else { return KeptRecords() }
        guard entries.first?.number == number + 1, let read = entries.last?.number, read >= last else {
            // More than can be read at once: all of it again.
            let (records, refused) = try await place.load()
            try await see(last)
            return kept(records, refused)
        }
        let (records, refused) = try await place.records(entries.flatMap(\.keys))
        try await see(read)
        return kept(records, refused)
    }

    private func kept(_ records: [Record], _ refused: [RedisRecord.Key]) -> KeptRecords {
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

    // MARK: - The others

    /// Has a listener learn of all that the others keep from now on, until the store is closed.
    ///
    /// - Parameter listener: Called one event after the other; the others are told that it is known when it has returned.
    package func follow(_ listener: @escaping @Sendable (Event) async -> Void) {
        Task { [weak self, timekeeper] in
            var beat = timekeeper.now
            var behind: UInt64?
            while self?.hasEnded.load(ordering: .relaxed) == false {
                do throws(StoreError) {
                    if timekeeper.now >= beat {
                        beat = timekeeper.now + Self.beat
                        behind = try await self?.stay(behind, listener)
                    }
                    try await self?.read(listener)
                } catch {
                    self?.state.value.withLock { $0.isAway = true }
                    await timekeeper.sleep(until: timekeeper.now + .milliseconds(250))
                }
            }
        }
        Task { [weak self, timekeeper] in
            while self?.hasEnded.load(ordering: .relaxed) == false {
                await timekeeper.sleep(until: timekeeper.now + Self.probeInterval)
                // Also when there is nothing to keep.
                await self?.committer.probe()
            }
        }
    }

    /// Says that we are there, and looks whether the feed is what was read of it.
    ///
    /// - Parameter behind: Up to where it had been read at the last beat, if there was more of it.
    /// - Returns: The same for the next.
    private func stay(
        _ behind: UInt64?, _ listener: @Sendable (Event) async -> Void
    ) async throws(StoreError) -> UInt64? {
        let number = try await join()
        let (seen, losses, hasLost, isToReadAll) = state.value.withLock {
            ($0.seen, $0.losses, $0.losses != $0.mended, $0.isToReadAll)
        }
        if hasLost {
            logger.warning("the server has lost what it was given: it is given everything again")
            try await readAll(listener)
            await listener(.lost)
            state.value.withLock { $0.mended = losses }
            return nil
        }
        if isToReadAll || number > seen && behind == seen {
            try await readAll(listener)
            return nil
        }
        return number > seen ? seen : nil
    }

    private func read(_ listener: @Sendable (Event) async -> Void) async throws(StoreError) {
        let seen = state.value.withLock { $0.seen }
        let entries = try await place.entries(after: seen, from: reader, waiting: Self.beat)
        guard let first = entries.first, let last = entries.last else { return }
        let others = entries.filter { !$0.isOurs }
        guard first.number == seen + 1 else { return try await readAll(listener) }
        if others.isEmpty { return state.value.withLock { $0.seen = last.number } }
        let (records, refused) = try await place.records(others.flatMap(\.keys))
        metrics.refused.increment(by: refused.count)
        await listener(.kept(kept(records, refused)))
        try await see(last.number)
    }

    /// Reads everything, as some of what was said is lost.
    private func readAll(_ listener: @Sendable (Event) async -> Void) async throws(StoreError) {
        // What is asked for from now on is asked for again.
        state.value.withLock { $0.isToReadAll = false }
        let (number, records, refused): (UInt64, [Record], [RedisRecord.Key])
        do throws(StoreError) {
            number = try await place.number()
            (records, refused) = try await place.load()
        } catch {
            state.value.withLock { $0.isToReadAll = true }
            throw error
        }
        logger.notice("the store was read again", metadata: ["records": "\(records.count)"])
        await listener(.kept(kept(records, refused)))
        try await see(number)
    }

    private func see(_ number: UInt64) async throws(StoreError) {
        state.value.withLock { $0.seen = max($0.seen, number) }
        _ = try await join()
    }

    /// Says that we are there and how far we have read, and learns who else is.
    ///
    /// - Returns: The number of the last commit.
    private func join() async throws(StoreError) -> UInt64 {
        // Who has left is not to be taken for one that is there.
        guard !hasEnded.load(ordering: .relaxed) else { throw .closed }
        let begun = timekeeper.now
        let (lease, seen, epoch, oldest) = state.value.withLock {
            ($0.lease, $0.seen, $0.losses == $0.mended ? $0.epoch : nil, $0.oldest(at: begun))
        }
        // What is not told yet began then.
        let since = min(oldest ?? begun, committer.oldest ?? begun)
        let (feed, time, members) = try await place.join(
            for: lease, seen: seen, told: epoch.map { ($0, state.timeOfDay(at: since)) })
        let now = timekeeper.now
        state.value.withLock { state in
            state.note(feed, at: now)
            state.time = (time, now)
            if state.isAway {
                state.isAway = false
                let until = state.awaited?.until ?? now + Self.newsLimit
                // Who joins first has not been away: that the others have told anything is enough.
                let since = state.members.isEmpty ? 1 : time
                state.awaited = (state.members.union(members.keys).subtracting([place.name]), until, since)
            }
            if let (names, until, since) = state.awaited,
                now >= until || names.allSatisfy({ members[$0] ?? 0 >= since })
            {
                state.awaited = nil
            }
            let names = Set(members.keys)
            state.members = state.trustFrom.map { $0 > now } == true ? state.members.union(names) : names
        }
        return feed.number
    }

    /// Has everything be read again within ``beat``.
    package func readAgain() { state.value.withLock { $0.isToReadAll = true } }

    /// Now by the server's clock, which is the same for all brokers, in milliseconds since 1970.
    package var timeOfDay: Int64 { state.timeOfDay(at: timekeeper.now) }

    // MARK: - Replicas

    package func claim(_ claim: Claim) async -> ClaimAnswer {
        let answer = await answer(to: claim)
        claims.count(answer)
        return answer
    }

    private func answer(to claim: Claim) async -> ClaimAnswer {
        do throws(StoreError) {
            if state.value.withLock({ $0.isAway }) { _ = try await join() }
            let now = timekeeper.now
            let (awaited, epoch) = state.value.withLock { ($0.awaited?.until, $0.epoch) }
            if let awaited, awaited > now { return .held(awaited - now) }
            guard let answer = try await place.claim(claim, in: epoch ?? []) else {
                state.value.withLock { if $0.epoch == epoch { $0.isAway = true } }
                return .held(.zero)
            }
            if case .granted = answer { state.value.withLock { $0.begin(claim, at: now) } }
            return answer
        } catch {
            let isOurs = claim.cost.map { share(of: $0.client).isOurs } ?? false
            state.value.withLock { [now = timekeeper.now] state in
                state.isAway = true
                if isOurs { state.begin(claim, at: now) }
            }
            return .unavailable
        }
    }

    package func renew(_ name: [UInt8], fence: UInt64, for lease: Duration) async -> Bool {
        // What has ended is kept in a moment, while the server keeps up.
        let hasEnded = state.value.withLock { $0.underWay[name] == nil }
        let isBehind = committer.oldest.map { timekeeper.now - $0 > .milliseconds(250) } ?? false
        if hasEnded, !isBehind { return false }
        // What could not be asked may still be so.
        return (try? await place.renew(name, fence: fence, for: lease)) ?? true
    }

    package func spread() async -> Bool {
        // Not only what we have kept: another may have, and have failed to spread it.
        guard let number = try? await place.number() else { return false }
        return await patiently { [self] in
            let (seen, hasLost, members) = state.value.withLock { ($0.seen, $0.losses != $0.mended, $0.members) }
            guard seen >= number, !hasLost else { return false }
            return (try? await place.isSeen(number, by: members)) == true
        }
    }

    package func hear() async -> Bool {
        // What another does is told a little later.
        await timekeeper.sleep(until: timekeeper.now + .milliseconds(100))
        guard let number = try? await place.number() else { return false }
        return await patiently { [self] in state.value.withLock { $0.seen } >= number }
    }

    /// Waits until something is so; not for ever.
    private func patiently(_ isSo: () async -> Bool) async -> Bool {
        let end = timekeeper.now + spreadLimit
        var pause = Duration.milliseconds(2)
        while await !isSo() {
            guard timekeeper.now < end else { return false }
            await timekeeper.sleep(until: timekeeper.now + pause)
            pause = min(pause * 2, .milliseconds(50))
        }
        return true
    }

    package func share(of client: [UInt8]) -> ReplicaShare {
        let members = state.value.withLock { $0.members.union([place.name]) }
        return ReplicaShare(
            isOurs: Rendezvous.owner(of: client, among: members) == place.name, replicas: members.count)
    }

    // MARK: - TokenStore

    package func keep(_ records: [Record]) {
        committer.keep(records)
        let ended = records.flatMap(\.ended)
        // Only now: until it is kept it is not told.
        if !ended.isEmpty { state.value.withLock { state in for claim in ended { state.underWay[claim.name] = nil } } }
    }

    package func settle() async -> Bool { await committer.settle() }

    package var condition: StoreCondition { committer.condition }

    /// Makes durable what was kept, and leaves; what comes later is not kept.
    ///
    /// - Parameter limit: After that what has not happened is left to itself; it is no less safe than after a crash.
    package func close(within limit: Duration) async {
        hasEnded.store(true, ordering: .relaxed)
        await committer.close(within: limit)
    }
}

/// Which of several brokers something falls to, so that little moves when one comes or goes (Thaler and Ravishankar, "Using
/// name-based mappings to increase hit rates", IEEE/ACM Transactions on Networking 6(1), 1998).
enum Rendezvous {
    /// The one with the highest hash of its name with that of the thing; nil when there is none.
    static func owner(of thing: [UInt8], among members: Set<String>) -> String? {
        members.max { (hash(thing, $0), $0) < (hash(thing, $1), $1) }
    }

    /// FNV-1a, with its bits mixed: names that differ in one letter are far apart.
    private static func hash(_ thing: [UInt8], _ name: String) -> UInt64 {
        var hash = UInt64(0xcbf2_9ce4_8422_2325)
        for byte in thing + Array(name.utf8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        return hash ^ (hash >> 33)
    }
}

/// What has come of claims.
private struct ClaimMetrics {
    private let granted, newer, held, spent, unavailable: Counter

    init(_ registry: MetricsRegistry) {
        let counter = { (outcome: String) in
            registry.counter(
                "tokenwell_claims_total", help: "Mints and revocations asked of the other replicas, by their answer.",
                labels: [("outcome", outcome)])
        }
        granted = counter("granted")
        newer = counter("newer")
        held = counter("held")
        spent = counter("spent")
        unavailable = counter("unavailable")
    }

    func count(_ answer: ClaimAnswer) {
        switch answer {
        case .granted: granted.increment()
        case .newer: newer.increment()
        case .held: held.increment()
        case .spent: spent.increment()
        case .unavailable: unavailable.increment()
        }
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
