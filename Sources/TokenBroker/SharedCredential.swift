import Crypto
import Synchronization

/// What the tenants of one credential share: its mint budget, and whether the upstream takes it.
///
/// Nothing else is shared between tenants, and this by none with another credential. A tenant's lock may be held while
/// this one is taken, never the other way round.
final class SharedCredential: Sendable {
    /// A mint that may leave.
    ///
    /// - Parameter isProbe: Whether others wait for what comes of it; to be passed to ``leave(isProbe:)``.
    typealias Takeoff = @Sendable (_ isProbe: Bool) -> Void

    /// Whatever changes.
    private struct State {
        var budget: MintBudget
        /// How many of the mints taken out of it are yet to be claimed from the other brokers.
        var unclaimed = 0
        /// What each caller has used of its part of the budget, by name.
        var rejections: [String: Allowance] = [:]
        var standing: CredentialStanding
        /// When that last changed; nil when it never has.
        var judged: Instant?
        var isProbing = false
        var held: [Takeoff] = []
        var tenants: [WeakCache] = []
        /// The secrets that won before a restart, until another does.
        var winners: Set<Fingerprint> = []

        /// What a store keeps of it.
        func kept(at now: Instant) -> (debt: Duration, secret: Int, winner: Int, isSuspended: Bool) {
            (debt(at: now), standing.secret, standing.winner, standing.isSuspended)
        }

        /// What is owed, as far as all brokers know.
        func debt(at now: Instant) -> Duration { max(.zero, budget.debt(at: now) - budget.interval * unclaimed) }

        /// Takes up what all brokers owe: to that comes what was not claimed.
        mutating func owe(_ debt: Duration, at now: Instant) {
            budget.adopt(debt: debt + budget.interval * unclaimed, at: now)
        }
    }

    /// The active secret first.
    let secrets: [Secret]
    /// Those of the secrets.
    let fingerprints: [Fingerprint]
    /// The tightest of its tenants'.
    let limits: MintBudget.Limits
    private let identity: CredentialIdentity
    /// Who it is there, whatever proves it.
    let client: [UInt8]
    private let persistence: Persistence?
    private let state: Mutex<State>

    /// - Parameter tenants: All with this credential; at least one.
    init(_ identity: CredentialIdentity, of tenants: [Tenant], at now: Instant, keptBy persistence: Persistence?) {
        self.identity = identity
        client = identity.client
        self.persistence = persistence
        secrets = Self.secrets(of: tenants)
        fingerprints = secrets.map { Fingerprint(of: $0.reveal()) }
        limits = MintBudget.Limits(sharedBy: tenants)
        state = Mutex(
            State(
                budget: MintBudget(limits, at: now),
                standing: CredentialStanding(secrets: secrets.count)))
    }

    private static func secrets(of tenants: [Tenant]) -> [Secret] {
        var secrets: [Secret] = []
        // By name, as the order of the tenants says nothing.
        let next = tenants.filter { $0.credential.nextSecret != nil }.sorted { $0.name < $1.name }
        for secret in tenants.map(\.credential.secret) + next.compactMap(\.credential.nextSecret)
        where !secrets.contains(secret) {
            secrets.append(secret)
        }
        return secrets
    }

    /// Whether it is these tenants' as it is; all of them have this identity.
    func isShared(by tenants: [Tenant]) -> Bool {
        secrets == Self.secrets(of: tenants) && limits == MintBudget.Limits(sharedBy: tenants)
    }

    var standing: CredentialStanding { state.withLock { $0.standing } }

    /// The place of a secret; of one that is no more among them the winner's, as its tokens are good for as long.
    func place(of secret: Fingerprint) -> Int { fingerprints.firstIndex(of: secret) ?? standing.winner }
}

// MARK: Budget

extension SharedCredential {
    func remaining(at now: Instant) -> Int { state.withLock { $0.budget.remaining(at: now) } }

    /// How long `spender` has to wait for its next mint; zero when it need not.
    func wait(for spender: MintBudget.Spender, at now: Instant) -> Duration {
        state.withLock { $0.budget.wait(for: spender, at: now) }
    }

    /// Takes one mint out of the budget, if `spender` has one.
    func spend(_ spender: MintBudget.Spender, at now: Instant) -> Bool {
        change(at: now) { state in
            guard state.budget.spend(spender, at: now) else { return false }
            if isShared { state.unclaimed += 1 }
            return true
        }
    }

    /// Puts a mint back that was never made.
    func refund(at now: Instant) {
        change(at: now) { state in
            state.budget.refund()
            if isShared { state.unclaimed -= 1 }
        }
    }

    /// Takes one rejection out of a caller's part of the budget, which is half of it.
    ///
    /// - Parameter caller: Its name.
    /// - Returns: How long until there is one, when there is none; nil when it was taken.
    func takeRejection(by caller: String, at now: Instant) -> Duration? {
        let unused = Allowance(burst: max(1, limits.burst / 2), interval: limits.interval * 2)
        return state.withLock { $0.rejections[caller, default: unused].take(at: now) }
    }
}

// MARK: Sharing with other brokers

extension SharedCredential {
    /// Whether other brokers mint with it.
    var isShared: Bool { persistence?.replicas != nil }

    /// What a mint that was taken out of the budget costs all brokers.
    func cost(for spender: MintBudget.Spender, at now: Instant) -> Claim.Cost {
        state.withLock { state in
            Claim.Cost(
                client: client, interval: limits.interval, allowance: state.budget.allowance(for: spender),
                debt: state.debt(at: now))
        }
    }

    /// Takes note that a mint was claimed, and of what all brokers owe with it.
    func noteClaimed(debt: Duration, at now: Instant) {
        change(at: now) { state in
            state.unclaimed -= 1
            state.owe(debt, at: now)
        }
    }

    /// Puts a mint back that all brokers together have not.
    func noteSpent(debt: Duration, at now: Instant) {
        refund(at: now)
        state.withLock { $0.owe(debt, at: now) }
    }

    /// Takes the mint that was taken out of the budget out of this broker's share of it; puts it back if there is none.
    func spendShare(_ spender: MintBudget.Spender, of replicas: Int, at now: Instant) -> Bool {
        refund(at: now)
        return change(at: now) { $0.budget.spendShare(spender, of: replicas, at: now) }
    }

    /// Takes up what another broker kept of the same client.
    ///
    /// - Parameter moment: When it was written; now when that cannot be told.
    /// - Returns: Whether the upstream thinks otherwise of it now.
    func takeUp(_ kept: KeptCredential, from moment: Instant, at now: Instant) -> Bool {
        state.withLock { state in
            var told = MintBudget(limits, at: now)
            told.restore(debt: kept.debt, by: kept.limits.interval, from: moment)
            if told.debt(at: now) > state.debt(at: now) { state.owe(told.debt(at: now), at: now) }
            guard kept.secrets == fingerprints else {
                state.winners.insert(kept.secrets[kept.standing.winner])
                return false
            }
            guard !state.standing.saysTheSame(as: kept.standing) else { return false }
            let judged = kept.judgedAgo.map { moment - $0 }
            guard let judged, state.judged.map({ $0 <= judged }) ?? true else {
                // What was written last is not what was known last.
                if let own = state.judged, judged.map({ $0 < own }) ?? true { keep(state, at: now) }
                return false
            }
            (state.standing, state.judged) = (kept.standing, judged)
            return true
        }
    }

    /// Takes note that another broker has minted with a secret: it is good if it is the one that is in use.
    func prove(_ secret: Fingerprint) {
        state.withLock { state in
            if fingerprints[state.standing.secret] == secret { state.standing.prove() }
        }
    }

    /// Has the store keep all that is known of it.
    func keepAgain(at now: Instant) { state.withLock { keep($0, at: now) } }
}

// MARK: Standing

extension SharedCredential {
    /// See ``CredentialStanding/accept(_:)``.
    func accept(_ secret: Int, at now: Instant) -> Bool {
        change(at: now) { state in
            let winner = state.standing.winner
            defer { if state.standing.winner != winner { state.winners = [] } }
            return state.standing.accept(secret)
        }
    }

    /// See ``CredentialStanding/refuse(_:because:)``.
    func refuse(_ secret: Int, because failure: MintFailure, at now: Instant) -> Bool {
        change(at: now) { $0.standing.refuse(secret, because: failure) }
    }

    func lift(at now: Instant) { change(at: now) { $0.standing.lift() } }

    /// Adds a tenant to those that are told of changes.
    func add(_ cache: TokenCache) { state.withLock { $0.tenants.append(WeakCache(cache: cache)) } }

    /// Tells these tenants of changes from now on, and no others.
    func tell(_ caches: [TokenCache]) {
        let tenants = caches.map(WeakCache.init)
        state.withLock { $0.tenants = tenants }
    }

    /// How many are told.
    var tenantCount: Int { state.withLock { $0.tenants.count } }

    /// Has every tenant look at the standing again.
    func announce() {
        for tenant in state.withLock({ $0.tenants }) { tenant.cache?.credentialChanged() }
    }
}

// MARK: Keeping

extension SharedCredential {
    /// Changes the budget or the standing, and has the store keep what they have come to.
    private func change<Value>(at now: Instant, _ body: (inout State) -> Value) -> Value {
        state.withLock { state in
            let old = state.kept(at: now)
            let standing = state.standing
            let value = body(&state)
            if !standing.saysTheSame(as: state.standing) { state.judged = now }
            let new = state.kept(at: now)
            if new != old { keep(state, at: now) }
            return value
        }
    }

    private func keep(_ state: State, at now: Instant) {
        guard let persistence else { return }
        let kept = KeptCredential(
            client: client, secrets: fingerprints, standing: state.standing, judged: state.judged,
            debt: state.debt(at: now), limits: limits, by: persistence.clock, at: now)
        persistence.store.keep([kept.record(named: identity.name)])
    }

    /// Takes up what was kept of the same client: with the same secrets, or with those before them.
    ///
    /// - Parameter moment: When it was written; now when that cannot be told.
    func restore(_ kept: KeptCredential, from moment: Instant) {
        state.withLock { state in
            state.budget.restore(debt: kept.debt, by: kept.limits.interval, from: moment)
            state.winners.insert(kept.secrets[kept.standing.winner])
            // Of other secrets it says nothing.
            if kept.secrets == fingerprints {
                (state.standing, state.judged) = (kept.standing, kept.judgedAgo.map { moment - $0 })
            }
        }
    }

    /// Takes up what is known of the same client: with the same secrets, or with those before them.
    ///
    /// - Returns: How many mints of the other's are among that.
    func succeed(_ other: SharedCredential, at now: Instant) -> Int {
        let (debt, mints, standing, winners, rejections) = other.state.withLock {
            ($0.debt(at: now), $0.budget.mints, ($0.standing, $0.judged), $0.winners, $0.rejections)
        }
        state.withLock { state in
            state.rejections.merge(rejections) { own, _ in own }
            state.budget.restore(debt: debt, by: other.limits.interval, from: now)
            state.winners.formUnion(winners)
            if other.fingerprints == fingerprints { (state.standing, state.judged) = standing }
        }
        return mints
    }

    /// Takes over the mints that another has made beyond the first `count`.
    func take(_ other: SharedCredential, beyond count: Int, at now: Instant) {
        // With other brokers the mints that are on their way are claimed yet.
        if isShared { return }
        let mints = other.state.withLock { $0.budget.mints }
        if mints > count { change(at: now) { $0.budget.take(mints - count, at: now) } }
    }

    /// Whether there is nothing to know of it any more: a full budget and no verdict, or another secret of the client that
    /// owes as much.
    ///
    /// - Parameter others: Those of the same client.
    func isForgettable(beside others: [SharedCredential], at now: Instant) -> Bool {
        let (owed, isSuspended) = state.withLock { ($0.budget.owed(at: now), $0.standing.isSuspended) }
        if others.isEmpty { return owed == 0 && !isSuspended }
        return others.contains { other in other.state.withLock { $0.budget.owed(at: now) } >= owed }
    }

    /// Whether a token that was minted with that secret before a restart is good until it is replaced: it is not when
    /// another had taken the secret's place, and it is when that only happens now.
    func takesTokens(of secret: Fingerprint) -> Bool {
        state.withLock { $0.winners.contains(secret) || fingerprints[$0.standing.winner] == secret }
    }
}

// MARK: Probing

extension SharedCredential {
    /// Lets a mint leave: at once, or while a first one finds out whether the credential is any good, after that.
    ///
    /// So a dead credential costs one mint, and not one for each key and tenant that were asked for at the same time.
    func enter(isUrgent: Bool, _ takeoff: @escaping Takeoff) {
        let isProbe = state.withLock { state -> Bool? in
            if state.standing.isProven || state.standing.isSuspended { return false }
            if state.isProbing && !isUrgent {
                state.held.append(takeoff)
                return nil
            }
            defer { state.isProbing = true }
            return !state.isProbing
        }
        if let isProbe { takeoff(isProbe) }
    }

    /// Takes note that a mint has landed. After a probe those held back leave: one if it brought no certainty, else all.
    func leave(isProbe: Bool) {
        guard isProbe else { return }
        let (released, isCertain) = state.withLock { state -> ([Takeoff], Bool) in
            let isCertain = state.standing.isProven || state.standing.isSuspended
            let released = isCertain ? state.held : Array(state.held.prefix(1))
            state.held.removeFirst(released.count)
            state.isProbing = !isCertain && !released.isEmpty
            return (released, isCertain)
        }
        for takeoff in released { takeoff(!isCertain) }
    }
}

/// What makes two tenants have the same credential: the token URL, the id, and what proves it.
struct CredentialIdentity: Hashable, Sendable {
    private let tokenURL: String
    private let id: String
    private let secret: Secret
    private let certificateFile: String?

    /// Who it is there, whatever proves it.
    var client: [UInt8] {
        var writer = BinaryWriter()
        writer.append(tokenURL)
        writer.append(id)
        writer.append(certificateFile ?? "")
        return Digest256(SHA256.hash(data: writer.bytes)).bytes
    }

    /// What a store tells it by.
    var name: [UInt8] {
        var writer = BinaryWriter()
        writer.append(client)
        writer.append(Fingerprint(of: secret.reveal()).number)
        return Digest256(SHA256.hash(data: writer.bytes)).bytes
    }

    init(_ tenant: Tenant) {
        tokenURL = tenant.provider.tokenURL
        id = tenant.credential.id
        secret = tenant.credential.secret
        certificateFile = tenant.clientCertificate?.certificateFile
    }
}

extension MintBudget.Limits {
    /// The tightest of those that the tenants of one credential have.
    init(sharedBy tenants: [Tenant]) {
        let budgets = tenants.map(\.mintBudget)
        self = budgets.max { $0.interval < $1.interval } ?? .standard
        burst = budgets.map(\.burst).min() ?? burst
    }
}
