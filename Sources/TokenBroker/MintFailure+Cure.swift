extension MintFailure {
    /// None at all: another broker with the same store is to mint, and cannot be asked.
    static let elsewhere = MintFailure.unavailable("another_replica_mints", retryAfter: nil)

    /// The class.
    package var outcome: MintOutcome {
        switch self {
        case .rejected: .rejected
        case .throttled: .throttled
        case .unavailable: .unavailable
        case .timeout: .timeout
        }
    }

    /// What metrics and logs call the class.
    var name: String { outcome.rawValue }

    /// The cause within the class, for the log.
    package var cause: String {
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

extension BinaryWriter {
    mutating func append(_ failure: MintFailure) {
        append(failure.outcome.rawValue)
        append(failure.cause)
        append(failure.retryAfter) { $0.append($1) }
    }
}

extension BinaryReader {
    mutating func failure() throws(Malformed) -> MintFailure {
        let outcome = MintOutcome(rawValue: try text())
        let cause = try text()
        let retryAfter = try optional { reader throws(Malformed) in try reader.duration() }
        switch outcome {
        case .rejected: return .rejected(cause)
        case .throttled: return .throttled(retryAfter: retryAfter)
        case .unavailable: return .unavailable(cause, retryAfter: retryAfter)
        case .timeout: return .timeout
        case .ok, nil: throw Malformed()
        }
    }
}
