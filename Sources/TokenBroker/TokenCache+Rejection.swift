import Logging
import Synchronization
import Telemetry

extension TokenCache {
    /// What became of a report that the vendor refused a token, as the metric says it.
    enum Rejection: String {
        /// It was the current token, and is dropped.
        case current
        /// It was not, or is unknown; nothing is done.
        case old
        /// The caller has reported too much: nothing is done.
        case limited
    }

    /// The current token, after a caller has said that the vendor refuses one.
    ///
    /// Only when that is still the current token is it dropped and another one minted, once, however many say so. A report
    /// of any other token is a request like any other.
    func reject(
        _ fingerprint: Fingerprint, _ key: TokenKey, by caller: CallerIdentity
    ) async throws(BrokerError) -> HandOut {
        let arrival = now
        guard state.withLock({ $0.isCurrent(fingerprint, key) }) else {
            note(.old, fingerprint, by: caller)
            return try await token(key, minimum: nil, for: caller)
        }
        if let retryAfter = caller.takeRejection(at: arrival) {
            note(.limited, fingerprint, by: caller)
            throw .slowDown(retryAfter: retryAfter)
        }
        let answer = change { $0.reject(fingerprint, key, by: caller, at: arrival) }
        if case .refuse(.slowDown) = answer {
            note(.limited, fingerprint, by: caller)
        } else {
            note(.current, fingerprint, by: caller)
        }
        // Whoever looked after the token does so no more, and nobody may ask again once there is a mint to be had.
        if case .refuse(.budgetExhausted) = answer { warm() }
        return try await settle(answer, key, minimum: nil, for: caller, arrival: arrival)
    }

    private func note(_ rejection: Rejection, _ fingerprint: Fingerprint, by caller: CallerIdentity) {
        rejections.count([("outcome", rejection.rawValue)])
        // The others can come at any rate.
        guard rejection == .current else { return }
        surroundings.logger.notice(
            "token rejected",
            metadata: ["tenant": "\(name)", "fingerprint": "\(fingerprint)", "caller": "\(caller.name)"])
    }
}
