/// What came of a mint, as metrics and operators are told: `ok`, or the class of its failure.
package enum MintOutcome: String, Sendable { case ok, rejected, throttled, unavailable, timeout }

extension Result<AccessToken, MintFailure> {
    var outcome: MintOutcome {
        switch self {
        case .success: .ok
        case .failure(let failure): failure.outcome
        }
    }
}
