import Support
import Synchronization
import TokenBroker

/// What several brokers of a test have together, in place of a server: each broker has a ``Replica`` of it.
final class SharedPlace: Sendable {
    fileprivate struct Held {
        var owner: String?
        var until: ContinuousClock.Instant
        var fence: UInt64
        var landed: UInt64 = 0
        var token: Record.ID?
    }

    fileprivate struct State {
        var claims: [[UInt8]: Held] = [:]
        /// How often it was asked for one, and to keep one.
        var asked = (claims: 0, renewals: 0)
        /// When the budgets are full again.
        var budgets: [[UInt8]: ContinuousClock.Instant] = [:]
        var records: [Record.ID: Record] = [:]
        var isReachable = true
        var delay = Duration.zero
        var members: [Member] = []
        var replicas: [Replica] { members.compactMap(\.replica) }
    }

    /// Weakly, as each has the place.
    fileprivate struct Member {
        weak var replica: Replica?
    }

    let clock: ManualClock
    fileprivate let state = Mutex(State())

    init(_ clock: ManualClock) { self.clock = clock }

    var kept: KeptRecords { state.withLock { KeptRecords(Array($0.records.values)) } }

    var claims: Int { state.withLock { $0.asked.claims } }
    var renewals: Int { state.withLock { $0.asked.renewals } }

    /// Whether the brokers can ask it.
    func reach(_ isReachable: Bool) { state.withLock { $0.isReachable = isReachable } }

    /// How long it takes until a broker has its answer.
    func answer(after delay: Duration) { state.withLock { $0.delay = delay } }

    /// Loses everything, as a server that is emptied.
    func forget() { state.withLock { ($0.claims, $0.budgets, $0.records) = ([:], [:], [:]) } }

    func replica(_ name: String) -> Replica {
        let replica = Replica(name, in: self)
        state.withLock { $0.members.append(Member(replica: replica)) }
        return replica
    }

    /// What one broker of several has to do with the others.
    final class Replica: TokenStore, Replicas {
        private let name: String
        private let place: SharedPlace
        private let unread = Mutex<[Record]>([])

        fileprivate init(_ name: String, in place: SharedPlace) {
            self.name = name
            self.place = place
        }

        /// What the others have kept since this was last asked.
        func news() -> KeptRecords {
            unread.withLock { unread in
                defer { unread = [] }
                return KeptRecords(unread)
            }
        }

        func keep(_ records: [Record]) {
            let others = place.state.withLock { state in
                for record in records {
                    state.records[record.id] = record.end > 0 ? record : nil
                    for claim in record.ended { state.end(claim) }
                }
                return state.replicas
            }
            for other in others where other !== self { other.unread.withLock { $0 += records.filter { $0.end > 0 } } }
        }

        func settle() async -> Bool { place.state.withLock { $0.isReachable } }
        var condition: StoreCondition { StoreCondition() }
        func spread() async -> Bool { true }
        func hear() async -> Bool { true }

        func claim(_ claim: Claim) async -> ClaimAnswer {
            let (now, name) = (place.clock.now, name)
            let (answer, delay) = place.state.withLock { ($0.claim(claim, by: name, at: now), $0.delay) }
            await place.clock.sleep(until: now + delay)
            return answer
        }

        func renew(_ name: [UInt8], fence: UInt64, for lease: Duration) async -> Bool {
            place.state.withLock { [now = place.clock.now] state in
                state.asked.renewals += 1
                guard let held = state.claims[name], held.owner == self.name, held.fence == fence else { return false }
                state.claims[name]?.until = now + lease
                return true
            }
        }

        /// The first falls to the first.
        func share(of client: [UInt8]) -> ReplicaShare {
            let replicas = place.state.withLock { $0.replicas }
            return ReplicaShare(isOurs: replicas.first === self, replicas: replicas.count)
        }
    }
}

extension SharedPlace.State {
    fileprivate mutating func claim(_ claim: Claim, by name: String, at now: ContinuousClock.Instant) -> ClaimAnswer {
        asked.claims += 1
        guard isReachable else { return .unavailable }
        var held = claims[claim.name] ?? SharedPlace.Held(until: now, fence: 0)
        if held.landed > claim.fence { return .newer(fence: held.landed, held.token.flatMap { records[$0] }) }
        if let owner = held.owner, owner != name, held.until > now { return .held(held.until - now) }
        var debt = Duration.zero
        if let cost = claim.cost {
            debt = max(.zero, (budgets[cost.client] ?? now) - now, cost.debt)
            guard debt <= cost.allowance else { return .spent(debt: debt) }
            debt += cost.interval
            budgets[cost.client] = now + debt
        }
        held.fence = max(held.fence, claim.fence) + 1
        (held.owner, held.until) = (name, now + claim.lease)
        claims[claim.name] = held
        return .granted(fence: held.fence, debt: debt)
    }

    fileprivate mutating func end(_ claim: EndedClaim) {
        guard var held = claims[claim.name] else { return }
        if held.fence == claim.fence { held.owner = nil }
        if let token = claim.token, claim.fence > held.landed { (held.landed, held.token) = (claim.fence, token) }
        claims[claim.name] = held
    }
}
