import Crypto
import Synchronization

// What a cache has to do with other brokers that have the same store.

extension TokenCache {
    /// How long a mint is claimed for, and how often anew while it is under way: by so much a broker that dies delays it.
    private static let lease = Duration.seconds(2)
    private static let renewal = Duration.milliseconds(500)
    /// How much earlier than the others the broker that a refresh falls to asks for it: they hear what it has brought, and
    /// need not ask.
    private static let head = Duration.milliseconds(250)

    private enum Verdict {
        case fly(Departure)
        case ask(again: Duration)
        /// It has landed, or never will.
        case over
    }

    /// Waits until a departure may leave: at once where there is no other broker.
    ///
    /// - Returns: nil when its flight has ended without it.
    func claim(_ departure: Departure) async -> Departure? {
        guard let replicas = surroundings.persistence?.replicas else { return departure }
        let payer = departure.payer
        // What is newer may be of no use here, as it was revoked: then what comes after it is asked for.
        var fence: UInt64 = 0
        var pause = Duration.milliseconds(50)
        // Others may wait for what comes of the first mint with a credential.
        if departure.refreshPoint != nil, payer.standing.isProven, !replicas.share(of: payer.client).isOurs {
            await surroundings.timekeeper.sleep(until: now + Self.head)
        }
        while true {
            let now = now
            guard state.withLock({ $0.mayLeave(departure, at: now) }) else { return nil }
            if surroundings.flights.hasEnded {
                leaveToOthers(departure)
                return nil
            }
            if let refusal = setup.credential.standing.suspension, departure.reason != .operator {
                finish(departure, change { $0.ground(departure, because: refusal, at: now) })
                return nil
            }
            fence = max(fence, state.withLock { $0.slots[departure.key]?.fence ?? 0 })
            let answer = await replicas.claim(
                Claim(
                    name: departure.key.claimName, lease: Self.lease, fence: fence,
                    cost: payer.cost(for: departure.spender, at: now)))
            // It may be another's since, if this process stood still.
            if case .granted(let number, _) = answer, self.now - now >= Self.lease - Self.renewal,
                await !replicas.renew(departure.key.claimName, fence: number, for: Self.lease)
            {
                continue
            }
            if case .newer(let newer, _) = answer { fence = newer }
            switch judge(answer, above: fence, departure, replicas) {
            case .fly(let departure):
                if case .granted = answer { renew(departure, replicas, until: now + departure.timeout * 2) }
                return departure
            case .over: return nil
            case .ask(let again):
                // What another broker brings lands the flight at once; this is for those that die.
                await surroundings.timekeeper.sleep(until: self.now + min(again, pause))
                pause = min(pause * 2, .milliseconds(500))
            }
        }
    }

    /// Keeps a claim until what its flight brings is durable.
    private func renew(_ departure: Departure, _ replicas: any Replicas, until end: Instant) {
        nap(until: now + Self.renewal) { cache in
            guard cache.now < end else { return nil }
            cache.run {
                let name = departure.key.claimName
                if await replicas.renew(name, fence: departure.fence, for: Self.lease) {
                    cache.renew(departure, replicas, until: end)
                }
            }
            return nil
        }
    }

    private func judge(
        _ answer: ClaimAnswer, above known: UInt64, _ departure: Departure, _ replicas: any Replicas
    ) -> Verdict {
        let (now, payer) = (now, departure.payer)
        var departure = departure
        switch answer {
        case .granted(let fence, let debt):
            departure.fence = fence
            payer.noteClaimed(debt: debt, at: now)
        case .newer(_, let record?):
            takeUp(KeptRecords([record]))
            return .ask(again: .zero)
        case .newer(_, nil):
            return .ask(again: .milliseconds(50))
        case .held(let left):
            return .ask(again: left)
        case .spent(let debt):
            payer.noteSpent(debt: debt, at: now)
            finish(departure, change { $0.ground(departure, after: nil, at: now) })
            return .over
        case .unavailable:
            let share = replicas.share(of: payer.client)
            guard share.isOurs else {
                leaveToOthers(departure)
                return .over
            }
            guard payer.spendShare(departure.spender, of: share.replicas, at: now) else {
                finish(departure, change { $0.ground(departure, after: nil, at: now) })
                return .over
            }
            // What is known nowhere begins with the time, as it does in the store: above every number before.
            let first = UInt64(clamping: surroundings.persistence?.clock.now ?? 0)
            departure.fence = known > 0 ? known + 1 : first
        }
        return change { [departure] in $0.grant(departure, at: now) } ? .fly(departure) : .over
    }

    /// Takes up records of this tenant.
    private func takeUp(_ kept: KeptRecords) {
        guard let clock = surroundings.persistence?.clock else { return }
        Restoration(kept, by: clock, logger: surroundings.logger).takeUp(at: now) { $0 == name ? self : nil }
    }

    /// Takes up what other brokers have kept.
    func takeUp(_ body: (inout TenantState) -> [(waiters: [Waiter], landing: Landing)]) {
        let (before, landed, after) = change { state in
            let before = state.takenUp
            return (before, body(&state), state.takenUp)
        }
        for (waiters, landing) in landed {
            for waiter in waiters { waiter.continuation.resume(returning: landing) }
        }
        if before != after { warm() }
        resumeRevocations()
    }

    /// Has the store keep again all that is to survive a restart.
    func keepAgain() { change { $0.noteAll() } }

    /// Waits until this broker is the one that tells the upstream of a revocation; what cannot be known is no obstacle, as
    /// a token may be revoked twice.
    ///
    /// - Returns: How long another one has yet to do it; nil when it is this one's turn.
    func turn(_ fingerprint: Fingerprint) async -> Duration? {
        guard let replicas = surroundings.persistence?.replicas else { return nil }
        var name = BinaryWriter()
        name.append("revocation")
        name.append(fingerprint.number)
        let answer = await replicas.claim(
            Claim(
                name: Digest256(SHA256.hash(data: name.bytes)).bytes, lease: surroundings.settings.revocationTimeout,
                fence: 0, cost: nil))
        if case .held(let left) = answer { return left }
        return nil
    }
}

extension Broker {
    /// Takes up what other brokers with the same store have kept: tokens, revocations, verdicts, budgets, mint logs.
    ///
    /// Nothing that is later here is undone; what others have kept over it is kept again.
    package func takeUp(_ kept: KeptRecords) {
        guard let place = places.first, let clock = place.persistence?.clock else { return }
        Restoration(kept, by: clock, logger: place.logger).takeUp(tenancy, at: place.timekeeper.now)
    }

    /// Has the store keep everything again, because it has lost something.
    package func keepAgain() {
        guard let now = places.first?.timekeeper.now else { return }
        for credential in tenancy.credentials.values { credential.keepAgain(at: now) }
        for entry in tenancy.entries.values { entry.cache.keepAgain() }
        for cache in tenancy.retired.values { cache.keepAgain() }
    }
}

extension Restoration {
    /// Takes everything up in what is going on.
    func takeUp(_ tenancy: Broker.Tenancy, at now: Instant) {
        let changed = credentials.flatMap { _, kept in
            (tenancy.credentialsByClient[kept.client] ?? []).filter {
                $0.takeUp(kept, from: instant(of: kept.moment, at: now), at: now)
            }
        }
        takeUp(at: now) { tenancy.entries[$0]?.cache ?? tenancy.retired[$0] }
        for credential in changed { credential.announce() }
    }

    /// Takes up what is of tenants.
    ///
    /// - Parameter cache: That of a name; nil for one that is none of ours.
    func takeUp(at now: Instant, in cache: (String) -> TokenCache?) {
        let tombstones = Dictionary(grouping: tombstones, by: \.tenant)
        let tenants = Dictionary(grouping: tenants, by: \.tenant)
        let names = Set(tombstones.keys).union(tokens.map(\.tenant)).union(tenants.keys)
        let caches = Dictionary(uniqueKeysWithValues: names.compactMap { name in cache(name).map { (name, $0) } })
        let tokens = Dictionary(grouping: tokensByAge(of: caches, at: now), by: \.tenant)
        for (name, cache) in caches {
            cache.takeUp { state in
                // First, as no token of theirs is taken up again.
                for (_, kept) in tombstones[name] ?? [] { state.takeUp(kept, from: instant(of: kept.moment, at: now)) }
                var landed: [(waiters: [Waiter], landing: Landing)] = []
                for (_, kept, age) in tokens[name] ?? [] {
                    // One of them may be revoked.
                    let age = damaged.contains(name) ? nil : age
                    landed.append((state.takeUp(kept, age: age, at: now), .landed))
                }
                for (_, kept) in tenants[name] ?? [] {
                    landed += state.takeUp(kept, from: instant(of: kept.moment, at: now), at: now)
                }
                return landed
            }
        }
    }
}
