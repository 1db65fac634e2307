import Logging

/// What a store kept, read.
struct Restoration {
    /// The latest that is known of a boot of some machine.
    private struct Boot {
        var uptime: Int64
        /// What the time of day was ahead of the uptime then, which holds for the whole boot: steps of the clock before it are
        /// undone.
        var lead: Int64
    }

    private var credentials: [(name: [UInt8], kept: KeptCredential)] = []
    private var tombstones: [(tenant: String, kept: KeptTombstone)] = []
    private var tokens: [(tenant: String, kept: KeptToken)] = []
    private var tenants: [(tenant: String, kept: KeptTenant)] = []
    /// Those of which a record is missing, which may have been a tombstone.
    private var damaged: Set<String>
    private var boots: [UInt64: Boot] = [:]
    private let clock: WallClock
    private let now: Instant
    private let logger: Logger

    /// - Parameter logger: Learns of records that cannot be read; they are left out.
    init(_ kept: KeptRecords, by clock: WallClock, at now: Instant, logger: Logger) {
        self.clock = clock
        self.now = now
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
        guard boots.contains(where: { !clock.isOfThisBoot($0.key) && clock.now < $0.value.uptime + $0.value.lead })
        else { return }
        logger.error("the clock is behind the store's last change: no token of that boot is handed out")
    }

    // MARK: - Restoring

    func restore(_ credential: SharedCredential, _ identity: CredentialIdentity) {
        // With the same secrets last, as that has the standing.
        for (name, kept) in credentials where kept.client == credential.client && name != identity.name {
            credential.restore(kept, from: instant(of: kept.moment))
        }
        for (name, kept) in credentials where name == identity.name {
            credential.restore(kept, from: instant(of: kept.moment))
        }
    }

    /// - Parameter caches: By tenant; what was kept of others is of no use.
    func restore(_ caches: [String: TokenCache]) {
        // First, as no token of theirs is taken up again.
        for (tenant, kept) in tombstones {
            caches[tenant]?.restore { $0.restore(kept, from: instant(of: kept.moment)) }
        }
        for (tenant, kept, age) in tokensByAge {
            guard let cache = caches[tenant] else { continue }
            let age = damaged.contains(tenant) ? nil : age
            cache.restore { $0.restore(kept, of: $0.setup.identity, age: age, at: now) }
        }
        for (tenant, kept) in tenants {
            guard let cache = caches[tenant] else { continue }
            cache.restore { $0.restore(kept, of: $0.setup.identity, from: instant(of: kept.moment)) }
        }
    }

    /// The latest last.
    private var tokensByAge: [(tenant: String, kept: KeptToken, age: Duration?)] {
        tokens.map { ($0.tenant, $0.kept, age(of: $0.kept.moment)) }.sorted { one, other in
            guard let first = one.age, let second = other.age else { return one.age == nil && other.age != nil }
            return first > second
        }
    }

    /// How long ago that was; nil when it cannot be told.
    private func age(of moment: Moment) -> Duration? {
        guard !clock.isOfThisBoot(moment), moment.boot != 0, let boot = boots[moment.boot] else {
            return clock.age(of: moment, at: now)
        }
        // One moment that is yet to come is enough to tell that the two clocks do not agree.
        guard clock.now >= boot.uptime + boot.lead else { return nil }
        return .milliseconds(max(0, clock.now - moment.uptime - boot.lead))
    }

    /// When that was; now when it cannot be told.
    private func instant(of moment: Moment) -> Instant { now - (age(of: moment) ?? .zero) }
}
