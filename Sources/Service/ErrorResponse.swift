import HTTP
import TokenBroker

/// A refusal on its way to a caller: RFC 6749 §5.2, with members that help. Never a secret, a token, or an upstream's words.
struct ErrorResponse: Error, Equatable {
    var status: Status
    /// The `error` member; nil only where no credentials came (RFC 6750 §3.1).
    var code: String?
    /// The `error_description`: one sentence, fixed in the program.
    var description: String
    /// Seconds, at least 1.
    var retryAfter: Int?
    var tenant: String?
    /// The `WWW-Authenticate` field.
    var challenge: String?
    /// The `Allow` field.
    var allow: String?

    init(_ status: Status, _ code: String?, _ description: String) {
        self.status = status
        self.code = code
        self.description = description
    }

    /// Everything a broker can refuse, with its status, code and sentence.
    init(_ error: BrokerError, tenant: String? = nil) {
        switch error {
        case .accessDenied:
            // Without the tenant's name: it may not exist, and both answers are to be one.
            self.init(.forbidden, "access_denied", "no grant for this")
            return
        case .unknownTenant:
            // Without the name that was asked for: a key or token gone astray may stand in its place.
            self.init(.notFound, "unknown_tenant", "no such tenant")
            return
        case .invalidScope:
            self.init(.badRequest, "invalid_scope", "a scope is not granted")
        case .upstreamRejected:
            self.init(.badGateway, "upstream_rejected", "the vendor refused the credential")
        case .upstreamUnavailable(let retryAfter):
            self.init(.serviceUnavailable, "upstream_unavailable", "the vendor is unavailable")
            self.retryAfter = Self.wholeSeconds(retryAfter)
        case .upstreamTimeout(let retryAfter):
            self.init(.gatewayTimeout, "upstream_timeout", "the vendor did not answer in time")
            self.retryAfter = Self.wholeSeconds(retryAfter)
        case .budgetExhausted(let retryAfter):
            self.init(.serviceUnavailable, "budget_exhausted", "no more tokens may be minted for now")
            self.retryAfter = Self.wholeSeconds(retryAfter)
        case .revocationPending(let retryAfter):
            self.init(.serviceUnavailable, "upstream_unavailable", "dropped here; not yet revoked at the vendor")
            self.retryAfter = Self.wholeSeconds(retryAfter)
        }
        self.tenant = tenant
    }

    static func invalidRequest(_ description: String) -> ErrorResponse {
        ErrorResponse(.badRequest, "invalid_request", description)
    }

    /// What the HTTP server refuses before there is a request.
    init(refusing status: Status, _ reason: String) {
        self.init(status, status == .contentTooLarge ? "content_too_large" : "invalid_request", reason)
    }

    /// The answer that says it.
    var response: Response {
        var body: [UInt8] = [UInt8(ascii: "{")]
        if let code {
            body.append(member: "error")
            body.append(json: code)
        }
        body.append(member: "error_description")
        body.append(json: description)
        if let retryAfter {
            body.append(member: "retry_after")
            body.append(decimal: retryAfter)
        }
        if let tenant {
            body.append(member: "tenant")
            body.append(json: tenant)
        }
        body.append(UInt8(ascii: "}"))
        var response = Response.json(status, body)
        if let challenge { response.fields.append("WWW-Authenticate", challenge) }
        if let retryAfter { response.fields.append("Retry-After", retryAfter) }
        if let allow { response.fields.append("Allow", allow) }
        return response
    }

    private static func wholeSeconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return max(1, Int(seconds) + (attoseconds > 0 ? 1 : 0))
    }
}
