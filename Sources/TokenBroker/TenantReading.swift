import Synchronization

/// What the metrics say of a tenant at the moment of a scrape.
struct TenantReading {
    /// How a token is: of several, the one that is worst off.
    struct Health: Equatable {
        /// What is left of it; zero without one.
        var remaining = Duration.zero
        /// For how long it is handed out yet, if no other one comes; zero without one.
        var usable = Duration.zero
        /// For how long mints for it have failed, or were not made for a refused credential; zero while they succeed.
        var failing = Duration.zero

        /// Whether callers are in trouble sooner: a token whose mints fail comes before one that will be renewed.
        func isWorse(than other: Health) -> Bool {
            let (fails, otherFails) = (failing > .zero, other.failing > .zero)
            if fails != otherFails { return fails }
            return (usable, remaining, other.failing) < (other.usable, other.remaining, failing)
        }
    }

    /// Of the default scopes' token, whether or not anybody uses it.
    var defaultToken = Health()
    /// Of the other tokens that are in use; nil when none is.
    var otherTokens: Health?
    /// Mints that its credential has left now, and at most, the operators' reserve included.
    var budget = 0
    var burst = 0
    /// Mints an hour that keep what is wanted fresh, rounded up.
    var plannedMints = 0
    var isSuspended = false
    var pendingRevocations = 0
}

extension TenantState {
    /// One pass over the tenant's slots, of which there are at most `Settings.maximumKeysPerTenant`.
    func reading(at now: Instant) -> TenantReading {
        var reading = TenantReading()
        let slot = slots[defaultKey] ?? Slot()
        reading.defaultToken = health(of: slot, at: now)
        var planned = isWanted(defaultKey, slot, at: now) ? plannedMints(slot) : 0
        slots.forEachOther { slot in
            guard slot.isMissedWhenLost(at: now) else { return }
            if slot.lifetime != nil { planned += plannedMints(slot) }
            let health = health(of: slot, at: now)
            if reading.otherTokens.map(health.isWorse) ?? true { reading.otherTokens = health }
        }
        reading.budget = credential.remaining(at: now)
        reading.burst = credential.limits.burst
        reading.plannedMints = Int(planned.rounded(.up))
        reading.isSuspended = isSuspended
        reading.pendingRevocations = issued.pendingCount(at: now)
        return reading
    }

    private func plannedMints(_ slot: Slot) -> Double {
        MintPlan.planned(lifetime: slot.lifetime ?? setup.tenant.provider.defaultLifetime)
    }

    private func health(of slot: Slot, at now: Instant) -> TenantReading.Health {
        TenantReading.Health(
            remaining: slot.token?.schedule.remaining(at: now) ?? .zero,
            usable: slot.token.map { max(.zero, $0.schedule.lastUse - now) } ?? .zero, failing: failing(slot, at: now))
    }

    private func failing(_ slot: Slot, at now: Instant) -> Duration {
        let own = slot.isFailing ? slot.failingSince : nil
        let start = own.map { min($0, suspendedSince ?? $0) } ?? suspendedSince
        return start.map { now - $0 } ?? .zero
    }
}

extension TokenCache {
    func reading() -> TenantReading {
        let now = now
        return state.withLock { $0.reading(at: now) }
    }
}
