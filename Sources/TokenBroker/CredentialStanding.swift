/// Which of a credential's secrets the upstream takes, as far as it has said so.
struct CredentialStanding: Equatable, Sendable {
    /// The place of the secret that the next mint uses.
    private(set) var secret = 0
    /// The place of the secret that was taken last: what was minted with another is of a withdrawn one.
    private(set) var winner = 0
    /// Why no mint is made any more; nil while mints are made.
    private(set) var suspension: MintFailure?
    /// Whether a mint has succeeded since there was reason for doubt.
    private(set) var isProven = false
    private let count: Int
    private var refused: Set<Int> = []

    /// - Parameter count: How many secrets there are, the active one first; 1 or more.
    init(secrets count: Int) { self.count = count }

    /// What was known of it before a restart.
    init(secrets count: Int, secret: Int, winner: Int, suspension: MintFailure?) {
        self.count = count
        self.secret = secret
        self.winner = winner
        self.suspension = suspension
    }

    var isSuspended: Bool { suspension != nil }

    /// Whether it tells mints the same: what has proved it is each broker's own.
    func saysTheSame(as other: CredentialStanding) -> Bool {
        secret == other.secret && winner == other.winner && suspension == other.suspension
    }

    /// Takes note of a success.
    ///
    /// - Returns: Whether that secret is the one in use; it is not when it was refused while the answer was on its way.
    mutating func accept(_ place: Int) -> Bool {
        guard place == secret else { return false }
        winner = place
        suspension = nil
        isProven = true
        refused = []
        return true
    }

    /// Takes note that the upstream refuses the credential.
    ///
    /// Only `invalid_client` (RFC 6749 §5.2) speaks of the secret, so that another may do better.
    ///
    /// - Returns: Whether there is another secret to try.
    mutating func refuse(_ place: Int, because failure: MintFailure) -> Bool {
        guard place == secret else { return !isSuspended }
        isProven = false
        refused.insert(place)
        if failure == .rejected("invalid_client"), let other = (0..<count).first(where: { !refused.contains($0) }) {
            secret = other
            return true
        }
        suspension = failure
        secret = winner
        refused = []
        return false
    }

    /// Takes note that there is no reason for doubt.
    mutating func prove() { if !isSuspended { isProven = true } }

    /// Lets mints be made again.
    mutating func lift() {
        guard isSuspended else { return }
        suspension = nil
    }
}
