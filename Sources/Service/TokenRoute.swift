import HTTP
import TokenBroker

/// `GET` and `POST /tokens/{tenant}`: hands out the tenant's token.
struct TokenRoute: Sendable {
    let broker: Broker
    let authentication: Authentication

    /// `GET`: `scope` and `min_ttl` in the query; `If-None-Match` answers 304.
    func get(_ request: Request, tenant: String) async throws(ErrorResponse) -> Response {
        let caller = try authentication.caller(of: request)
        let parameters = try FormParameters(query: request.target.query)
        let handOut = try await token(
            of: tenant, for: caller, scope: try parameters.single("scope"),
            minimumLifetime: try Self.minimumLifetime(try parameters.single("min_ttl")))
        let tag = "\"\(handOut.token.fingerprint)\""
        if let known = request.fields["If-None-Match"], Self.matches(known, tag) {
            return Self.answer(.notModified, body: [], tag: tag)
        }
        return Self.answer(.ok, body: Self.body(handOut), tag: tag)
    }

    /// `POST`: an RFC 6749 §4.4 token endpoint.
    func post(_ request: Request, tenant: String) async throws(ErrorResponse) -> Response {
        let form = try FormParameters(bodyOf: request)
        let caller = try authentication.caller(of: request, form: form)
        guard let grantType = try form.single("grant_type") else { throw .invalidRequest("grant_type is missing") }
        guard grantType == "client_credentials" else {
            throw ErrorResponse(.badRequest, "unsupported_grant_type", "grant_type must be client_credentials")
        }
        let handOut = try await token(of: tenant, for: caller, scope: try form.single("scope"), minimumLifetime: nil)
        return Self.answer(.ok, body: Self.body(handOut), tag: "\"\(handOut.token.fingerprint)\"")
    }

    private func token(
        of tenant: String, for caller: Caller, scope: String?, minimumLifetime: Duration?
    ) async throws(ErrorResponse) -> HandOut {
        var request = TokenRequest(tenant: tenant, minimumLifetime: minimumLifetime, grant: caller.grant)
        if let scope {
            guard let scopes = ScopeSet(parsing: scope) else {
                throw ErrorResponse(.badRequest, "invalid_scope", "malformed scope")
            }
            request.scopes = scopes
        }
        do throws(BrokerError) {
            return try await broker.token(request)
        } catch {
            throw ErrorResponse(error, tenant: tenant)
        }
    }

    /// Seconds, at most the 100 days that a lifetime is capped at.
    private static func minimumLifetime(_ text: String?) throws(ErrorResponse) -> Duration? {
        guard let text else { return nil }
        guard text.utf8.count <= 7, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let seconds = Int(text),
            seconds <= 8_640_000
        else { throw .invalidRequest("min_ttl is a number of seconds from 0 to 8640000") }
        return .seconds(seconds)
    }

    /// Weak and strong tags compare alike here (RFC 9110 §13.1.2).
    private static func matches(_ field: String, _ tag: String) -> Bool {
        field.split(separator: ",").contains { item in
            var item = item.drop { $0 == " " || $0 == "\t" }
            if item.hasPrefix("W/") { item = item.dropFirst(2) }
            while item.last == " " || item.last == "\t" { item.removeLast() }
            return item == tag || item == "*"
        }
    }

    private static func body(_ handOut: HandOut) -> [UInt8] {
        var body: [UInt8] = []
        let secret = handOut.token.secret.reveal()
        body.reserveCapacity(secret.utf8.count + handOut.token.scopeText.utf8.count + 160)
        body.append(UInt8(ascii: "{"))
        body.append(member: "access_token")
        body.append(json: secret)
        body.append(member: "token_type")
        body.append(json: handOut.token.tokenType)
        body.append(member: "expires_in")
        body.append(decimal: handOut.remaining.wholeSeconds)
        body.append(member: "scope")
        body.append(json: handOut.token.scopeText)
        body.append(member: "refresh_in")
        body.append(decimal: handOut.refreshIn.wholeSeconds)
        body.append(member: "state")
        body.append(json: handOut.state.rawValue)
        if let minimumLifetime = handOut.minimumLifetime {
            body.append(member: "min_ttl")
            body.append(decimal: minimumLifetime.wholeSeconds)
        }
        body.append(UInt8(ascii: "}"))
        return body
    }

    private static func answer(_ status: Status, body: [UInt8], tag: String) -> Response {
        var response = Response(status, body: body)
        if status == .ok { response.fields.append("Content-Type", "application/json") }
        response.fields.append("Cache-Control", "no-store")
        response.fields.append("Pragma", "no-cache")
        response.fields.append("ETag", tag)
        return response
    }
}

extension Duration {
    /// Rounded down: nobody is promised more than there is.
    var wholeSeconds: Int { Int(components.seconds) }
}
