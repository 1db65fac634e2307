import HTTP

/// A way for a simulated vendor to go wrong, on command.
struct Fault: Sendable, Equatable {
    /// Where it strikes; `api` is the vendor's sample of an API.
    enum Endpoint: String, CaseIterable, Sendable {
        case token, revocation, api
    }

    /// What happens instead of the vendor's own answer, or to it.
    enum Mode: Sendable, Equatable {
        /// 500.
        case error
        /// 503 without `Retry-After`.
        case unavailable
        /// 429; the value goes into `Retry-After` as it is, so that dates and nonsense can be rehearsed too.
        case throttle(retryAfter: String?)
        /// 200 with a body that is not JSON.
        case garbage
        /// 200 without a body.
        case empty
        /// 200 with an OAuth error body.
        case oauthError
        /// The vendor's own answer, after a while.
        case slow(Duration)
        /// The token that the client already has for the same purpose, with the time it has left.
        case sameToken

        /// The answer that takes the place of the vendor's own; nil when it is only delayed or altered.
        var answer: Response? {
            switch self {
            case .error: Response(.internalServerError, text: "Internal Server Error")
            case .unavailable: Response(.serviceUnavailable, text: "Service Unavailable")
            case .throttle(let delay): Self.throttled(delay)
            case .garbage: Response(.ok, type: "text/html", body: Array("<html><body>It works!</body></html>".utf8))
            case .empty: Response(.ok)
            case .oauthError:
                Response(
                    .ok,
                    json: [
                        "error": "temporarily_unavailable",
                        "error_description": "The simulator was told to fail.",
                    ])
            case .slow, .sameToken: nil
            }
        }

        private static func throttled(_ delay: String?) -> Response {
            let response = Response(.tooManyRequests, text: "Too Many Requests")
            return delay.map { response.adding("Retry-After", $0) } ?? response
        }
    }

    var mode: Mode
    var endpoint: Endpoint
    /// How many more requests it strikes; nil for all of them.
    var remaining: Int?
}

/// The faults that are armed: at most one for each endpoint.
struct FaultPlan: Sendable {
    private var armed: [Fault.Endpoint: Fault] = [:]

    /// Arms a fault in place of the one that the endpoint had.
    mutating func arm(_ fault: Fault) { armed[fault.endpoint] = fault }

    mutating func disarm(_ endpoint: Fault.Endpoint) { armed[endpoint] = nil }

    /// What goes wrong with the request that has just arrived; nil when nothing does.
    mutating func strike(_ endpoint: Fault.Endpoint) -> Fault.Mode? {
        guard var fault = armed[endpoint] else { return nil }
        if let remaining = fault.remaining {
            fault.remaining = remaining - 1
            armed[endpoint] = remaining > 1 ? fault : nil
        }
        return fault.mode
    }
}
