/// The brokers that have one store, and what they agree on through it: who mints.
///
/// Each has all tokens in its own memory and hands them out from there. What one keeps in the store the others take up, see
/// ``Broker/takeUp(_:)``.
package protocol Replicas: Sendable {
    /// Asks whether this broker may do what no two may do at once.
    ///
    /// Of what is answered too late for the caller the claim's lease is what is left.
    func claim(_ claim: Claim) async -> ClaimAnswer

    /// Keeps what was claimed for so long from now on.
    ///
    /// - Returns: false when it is not ours any more under that fencing number.
    func renew(_ name: [UInt8], fence: UInt64, for lease: Duration) async -> Bool

    /// Waits until what any other broker did a moment ago is known here.
    ///
    /// - Returns: false when that cannot be told in time.
    func hear() async -> Bool

    /// Waits until every other broker has taken up all that was durable before.
    ///
    /// - Returns: false when one has not in time.
    func spread() async -> Bool

    /// What falls to this broker while nobody can be asked.
    ///
    /// - Parameter client: See ``SharedCredential/client``.
    func share(of client: [UInt8]) -> ReplicaShare
}

/// What is asked of the others before it is done.
package struct Claim: Sendable {
    /// What a mint takes out of the budget that all brokers share.
    package struct Cost: Sendable {
        /// Whose budget it is, see ``SharedCredential/client``.
        package var client: [UInt8]
        /// How long one mint takes to be had again.
        package var interval: Duration
        /// The most that may be owed before it.
        package var allowance: Duration
        /// What is owed as far as is known here, for when the others know nothing.
        package var debt: Duration

        package init(client: [UInt8], interval: Duration, allowance: Duration, debt: Duration) {
            self.client = client
            self.interval = interval
            self.allowance = allowance
            self.debt = debt
        }
    }

    /// What it is for; 32 bytes.
    package var name: [UInt8]
    /// For how long nobody else gets it, unless it is ended before.
    package var lease: Duration
    /// The highest fencing number that is known here.
    package var fence: UInt64
    package var cost: Cost?

    package init(name: [UInt8], lease: Duration, fence: UInt64, cost: Cost?) {
        self.name = name
        self.lease = lease
        self.fence = fence
        self.cost = cost
    }
}

package enum ClaimAnswer: Sendable {
    /// It is ours, under a fencing number above all before it.
    case granted(fence: UInt64, debt: Duration)
    /// There is something newer than what is known here; nil when it is on its way.
    case newer(fence: UInt64, Record?)
    /// It is another's, for that long at most.
    case held(Duration)
    /// The budget has nothing left.
    case spent(debt: Duration)
    /// Nobody can be asked.
    case unavailable
}

/// That what was claimed is done, or has failed.
package struct EndedClaim: Hashable, Sendable {
    package var name: [UInt8]
    package var fence: UInt64
    /// The record of the token that it brought; nil without one.
    package var token: Record.ID?

    package init(name: [UInt8], fence: UInt64, token: Record.ID?) {
        self.name = name
        self.fence = fence
        self.token = token
    }
}

/// What falls to one of several brokers.
package struct ReplicaShare: Hashable, Sendable {
    package var isOurs: Bool
    /// How many there are, this one included; at least 1.
    package var replicas: Int

    package init(isOurs: Bool, replicas: Int) {
        self.isOurs = isOurs
        self.replicas = replicas
    }
}
