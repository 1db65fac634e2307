extension MintFailure {
    /// What metrics and logs call the class.
    var name: String {
        switch self {
        case .rejected: "rejected"
        case .throttled: "throttled"
        case .unavailable: "unavailable"
        case .timeout: "timeout"
        }
    }

    /// The cause within the class, for the log.
    var cause: String {
        switch self {
        case .rejected(let code): code
        case .throttled: "too many requests"
        case .unavailable(let cause, _): cause
        case .timeout: "no answer in time"
        }
    }

    /// What the upstream asked for.
    var retryAfter: Duration? {
        switch self {
        case .throttled(let retryAfter), .unavailable(_, let retryAfter): retryAfter
        case .rejected, .timeout: nil
        }
    }

    /// Whether another try could not do better.
    var isPermanent: Bool {
        if case .rejected = self { true } else { false }
    }

    /// Whether the upstream refuses the credential itself, so that no key of its tenant can do better.
    var isOfCredential: Bool {
        guard case .rejected(let code) = self else { return false }
        return ["invalid_client", "unauthorized_client", "http_401", "http_403"].contains(code)
    }

    /// What a caller learns of it.
    func brokerError(retryAfter: Duration) -> BrokerError {
        switch self {
        case .rejected: .upstreamRejected
        case .throttled, .unavailable: .upstreamUnavailable(retryAfter: retryAfter)
        case .timeout: .upstreamTimeout(retryAfter: retryAfter)
        }
    }
}
