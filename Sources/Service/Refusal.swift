import Telemetry

/// Why a request was not taken for a caller's, or not now.
enum Refusal: String, Error, CaseIterable {
    /// Nothing that proves anybody.
    case noCredentials = "no_credentials"
    /// An unknown key, a name that is not its key's, or what can be read as neither.
    case wrongCredentials = "wrong_credentials"
    /// Two proofs in one request.
    case twoMethods = "two_methods"
    /// A right proof, from where its caller may not come.
    case network
    /// The address has failed too often of late.
    case tooManyFailures = "too_many_failures"
    /// The caller has asked more often than it may.
    case rateLimit = "rate_limit"
    /// No JWT, though it looks like one.
    case jwtMalformed = "jwt_malformed"
    /// Signed with what is not taken here, `none` among it.
    case jwtAlgorithm = "jwt_algorithm"
    case jwtIssuer = "jwt_issuer"
    /// A subject that is no caller's.
    case jwtSubject = "jwt_subject"
    case jwtAudience = "jwt_audience"
    case jwtExpired = "jwt_expired"
    case jwtNotYetValid = "jwt_not_yet_valid"
    /// It lives longer than its issuer's may.
    case jwtLifetime = "jwt_lifetime"
    /// Its key is not in the issuer's set.
    case jwtKey = "jwt_key"
    case jwtSignature = "jwt_signature"
    /// The issuer's keys cannot be read.
    case jwtKeysUnavailable = "jwt_keys_unavailable"
}

/// Counts refusals by their reasons.
struct Refusals: Sendable {
    private let counters: [Refusal: Counter]

    init(in registry: MetricsRegistry) {
        let all = Refusal.allCases.map { refusal in
            let counter = registry.counter(
                "tokenwell_refusals_total", help: "Requests that proved no caller, or came too often.",
                labels: [("reason", refusal.rawValue)])
            return (refusal, counter)
        }
        counters = Dictionary(uniqueKeysWithValues: all)
    }

    func record(_ refusal: Refusal) { counters[refusal]?.increment() }
}
