/// A mint under way, and those who wait for it. It belongs to the cache: no caller's leaving ends it.
struct Flight {
    /// Told from every other flight of the tenant by its number.
    let number: Int
    /// When it will have failed at the latest.
    let deadline: Instant
    /// The fencing number of its claim; nil while it has none, as another broker may be minting.
    var fence: UInt64?
    var waiters: [Waiter] = []
    /// Whether a task is there that sends the overdue waiters away.
    var hasSweeper = false
}

/// A caller that waits for a flight.
struct Waiter {
    let deadline: Instant
    let continuation: CheckedContinuation<Landing, Never>
}

/// What a waiter learns.
enum Landing {
    /// Look into the cache again.
    case landed
    /// A token without a lifetime: for those who waited, and nobody else.
    case once(AccessToken)
    case failed(BrokerError)
}

/// What has to be known to fly: made by the decision to mint, under the lock; carried out after it.
struct Departure {
    /// Why a mint is made, as metrics and logs say it.
    enum Reason: String { case cold, ahead, rejected, `operator`, secretChanged = "secret_changed" }

    let key: TokenKey
    let number: Int
    let reason: Reason
    let timeout: Duration
    /// Whose budget has paid for it.
    let payer: SharedCredential
    /// Which part of that.
    let spender: MintBudget.Spender
    /// From when on it was due: the refresh point of the token that it is to replace; nil when there is none, or no need.
    let refreshPoint: Instant?
    /// Of the claim that it was made under; 0 where nothing is claimed.
    var fence: UInt64 = 0

    /// The same flight with another of the credential's secrets.
    func again(paidBy payer: SharedCredential) -> Departure {
        Departure(
            key: key, number: number, reason: .secretChanged, timeout: timeout, payer: payer, spender: spender,
            refreshPoint: nil)
    }
}
