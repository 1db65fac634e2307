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
    /// Whom it concerns, for the audit alone: the answer says nothing of it.
    var caller: String?
    /// Only if there is such a tenant.
    var concernedTenant: String?
    /// Whether no credentials came, so that it is no failed attempt either.
    var isNoise = false
    /// What may make the refusal void once it has been done; the request is then answered anew.
    var remedy: Remedy?

    /// Keys that are to be read before a request is refused for want of them.
    struct Remedy: Equatable {
        let keys: IssuerKeys

        static func == (one: Remedy, other: Remedy) -> Bool { one.keys === other.keys }
    }

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
        case .slowDown(let retryAfter):
            self.init(.tooManyRequests, "slow_down", "too many tokens reported as rejected")
            self.retryAfter = Self.wholeSeconds(retryAfter)
        case .storeUnavailable(let retryAfter):
            self.init(
                .serviceUnavailable, "store_unavailable", "done, but a restart would undo it: the store is failing")
            self.retryAfter = Self.wholeSeconds(retryAfter)
        case .revocationPending(let retryAfter):
            self.init(.serviceUnavailable, "upstream_unavailable", "dropped here; not yet revoked at the vendor")
            self.retryAfter = Self.wholeSeconds(retryAfter)
        }
        self.tenant = tenant
    }

    /// The same, with whom it concerns.
    func concerning(_ caller: Caller, _ tenant: String? = nil) -> ErrorResponse {
        var refusal = self
        refusal.caller = caller.name
        refusal.concernedTenant = tenant
        return refusal
    }

    /// For what comes in the gzip coding, or as it is.
    static let notAcceptable = ErrorResponse(
        .notAcceptable, "not_acceptable", "Accept-Encoding takes neither gzip nor identity")

    static func invalidRequest(_ description: String) -> ErrorResponse {
        ErrorResponse(.badRequest, "invalid_request", description)
    }

    /// 429, for whoever asks too often.
    static func slowDown(_ description: String, retryAfter: Duration) -> ErrorResponse {
        var refusal = ErrorResponse(.tooManyRequests, "slow_down", description)
        refusal.retryAfter = wholeSeconds(retryAfter)
        return refusal
    }

    /// What the HTTP server refuses before there is a request.
    init(refusing status: Status, _ reason: String) {
        switch status {
        case .contentTooLarge: self.init(status, "content_too_large", reason)
        case .serviceUnavailable:
            self.init(status, "temporarily_unavailable", reason)
            retryAfter = 1
        default: self.init(status, "invalid_request", reason)
        }
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
