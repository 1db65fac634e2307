import Logging

/// What a store kept, read: for those that a start or a later reload takes it up for.
struct Restoration: Sendable {
    /// The latest that is known of a boot of some machine.
    private struct Boot {
        var uptime: Int64
        /// What the time of day was ahead of the uptime then, which holds for the whole boot: steps of the clock before it are
        /// undone.
        var lead: Int64
    }

    private(set) var credentials: [(name: [UInt8], kept: KeptCredential)] = []
    private(set) var tombstones: [(tenant: String, kept: KeptTombstone)] = []
    private(set) var tokens: [(tenant: String, kept: KeptToken)] = []
    private(set) var tenants: [(tenant: String, kept: KeptTenant)] = []
    /// Those of which a record is missing, which may have been a tombstone.
    private(set) var damaged: Set<String>
    private var boots: [UInt64: Boot] = [:]
    private let clock: WallClock
    private let logger: Logger

    /// - Parameter logger: Learns of records that cannot be read; they are left out.
    init(_ kept: KeptRecords, by clock: WallClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
        damaged = kept.damaged
        for record in kept.records { read(record) }
        reportClock()
    }

    private mutating func read(_ record: Record) {
        let tenant = record.id.tenant
        do throws(BinaryReader.Malformed) {
            switch record.id.kind {
            case .credential:
                let kept = try KeptCredential(record.payload)
                credentials.append((record.id.name, kept))
                note(kept.moment)
            case .tombstone:
                let kept = try KeptTombstone(record.payload)
                tombstones.append((tenant, kept))
                note(kept.moment)
            case .token:
                let kept = try KeptToken(record.payload)
                tokens.append((tenant, kept))
                note(kept.moment)
            case .tenant:
                let kept = try KeptTenant(record.payload)
                tenants.append((tenant, kept))
                note(kept.moment)
            }
        } catch {
            damaged.insert(tenant)
            logger.error(
                "a record of the store cannot be read, and is left out",
                metadata: ["kind": "\(record.id.kind)", "tenant": "\(tenant)"])
        }
    }

    private mutating func note(_ moment: Moment) {
        let boot = Boot(uptime: moment.uptime, lead: moment.timeOfDay - moment.uptime)
        if boots[moment.boot].map({ $0.uptime < boot.uptime }) ?? true { boots[moment.boot] = boot }
    }

    private func reportClock() {
        guard boots.contains(where: { !clock.isOfThisBoot($0.key) && !hasCome($0.value) }) else { return }
        logger.error("the clock is behind the store's last change: no token of that boot is handed out")
    }

    // MARK: - Restoring

    /// Takes up what was kept of credentials, before their tenants look at them.
    mutating func restore(_ credentials: [CredentialIdentity: SharedCredential], at now: Instant) {
        let kept = Dictionary(grouping: self.credentials, by: \.kept.client)
        let byName = Dictionary(uniqueKeysWithValues: credentials.map { ($0.name, $1) })
        for (name, credential) in byName {
            let kept = kept[credential.client] ?? []
            // With the same secrets last, as that has the standing.
            for (_, kept) in kept.filter({ $0.name != name }) + kept.filter({ $0.name == name }) {
                credential.restore(kept, from: instant(of: kept.moment, at: now))
            }
        }
        self.credentials.removeAll { byName[$0.name] != nil }
    }

    /// Takes up what was kept of tenants, by name.
    mutating func restore(_ caches: [String: TokenCache], at now: Instant) {
        // First, as no token of theirs is taken up again.
        for (tenant, kept) in tombstones {
            caches[tenant]?.restore { $0.restore(kept, from: instant(of: kept.moment, at: now)) }
        }
        for (tenant, kept, age) in tokensByAge(of: caches, at: now) {
            let age = damaged.contains(tenant) ? nil : age
            caches[tenant]?.restore { $0.restore(kept, of: $0.setup.identity, age: age, at: now) }
        }
        for (tenant, kept) in tenants {
            caches[tenant]?.restore {
                $0.restore(kept, of: $0.setup.identity, from: instant(of: kept.moment, at: now))
            }
        }
        tombstones.removeAll { caches[$0.tenant] != nil }
        tokens.removeAll { caches[$0.tenant] != nil }
        tenants.removeAll { caches[$0.tenant] != nil }
    }

    /// The latest last: by fencing number, and where there is none, or the same, by when it was written.
    func tokensByAge(
        of caches: [String: TokenCache], at now: Instant
    ) -> [(tenant: String, kept: KeptToken, age: Duration?)] {
        tokens.filter { caches[$0.tenant] != nil }.map { ($0.tenant, $0.kept, age(of: $0.kept.moment, at: now)) }
            .sorted { one, other in
                guard one.kept.fence == other.kept.fence else { return one.kept.fence < other.kept.fence }
                guard let first = one.age, let second = other.age else { return one.age == nil && other.age != nil }
                return first > second
            }
    }

    /// How long ago that was; nil when it cannot be told.
    private func age(of moment: Moment, at now: Instant) -> Duration? {
        guard !clock.isOfThisBoot(moment), moment.boot != 0, let boot = boots[moment.boot] else {
            return clock.age(of: moment, at: now)
        }
        // One moment that is yet to come is enough to tell that the two clocks do not agree.
        guard hasCome(boot) else { return nil }
        return .milliseconds(max(0, clock.now - moment.uptime - boot.lead))
    }

    private func hasCome(_ boot: Boot) -> Bool { clock.now + clock.tolerance.milliseconds >= boot.uptime + boot.lead }

    /// When that was; now when it cannot be told.
    func instant(of moment: Moment, at now: Instant) -> Instant { now - (age(of: moment, at: now) ?? .zero) }
}
