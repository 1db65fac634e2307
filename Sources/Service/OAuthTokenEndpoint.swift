import FoundationEssentials
import HTTP
import Sockets
import TokenBroker

/// The upstream over HTTP: every provider's dialect is read off its ``Provider`` value here, and nowhere else.
struct OAuthTokenEndpoint: TokenEndpoint {
    private let client: HTTPClient
    /// By CA file; nil is the system's authorities alone.
    private let trust: [String?: TLSContext]

    /// - Throws: When a tenant's CA file cannot be used.
    init(for tenants: [Tenant], client: HTTPClient) throws(TLSError) {
        self.client = client
        trust = try Self.trust(for: tenants)
    }

    static func trust(for tenants: [Tenant]) throws(TLSError) -> [String?: TLSContext] {
        var trust: [String?: TLSContext] = [:]
        for file in Set(tenants.map(\.caFile)) { trust[file] = try TLSContext.client(caFile: file) }
        return trust
    }

    func mint(
        _ tenant: Tenant, scopes: ScopeSet, deadline: ContinuousClock.Instant
    ) async throws(MintFailure) -> MintedToken {
        let request = UpstreamRequest.token(tenant, scopes: scopes)
        let response = try await send(
            request, to: tenant.provider.tokenURL, of: tenant, owner: "\(tenant.name) \(scopes)", by: deadline)
        return try UpstreamAnswer.token(response, of: tenant.provider, now: Int(Date().timeIntervalSince1970))
    }

    func revoke(_ token: Secret, of tenant: Tenant, deadline: ContinuousClock.Instant) async throws(MintFailure) {
        guard let url = tenant.provider.revocationURL else { throw .rejected("no_revocation") }
        let response = try await send(
            .revocation(of: token, tenant), to: url, of: tenant, owner: tenant.name, by: deadline)
        try UpstreamAnswer.revocation(response, now: Int(Date().timeIntervalSince1970))
    }

    private func send(
        _ request: UpstreamRequest, to url: String, of tenant: Tenant, owner: String,
        by deadline: ContinuousClock.Instant
    ) async throws(MintFailure) -> Response {
        // The configuration has checked both.
        guard let url = HTTPURL(url), let tls = trust[tenant.caFile] else { throw .unavailable("bad_url") }
        do throws(HTTPClientError) {
            return try await client.send(
                .post, to: url, fields: request.fields, body: request.body, tls: tls, owner: owner, by: deadline)
        } catch {
            throw UpstreamAnswer.failure(error)
        }
    }
}

/// What goes over the wire, as bytes.
struct UpstreamRequest {
    var fields = Fields()
    var body: [UInt8] = []

    /// A token request (RFC 6749 §4.4.2) in the provider's dialect.
    static func token(_ tenant: Tenant, scopes: ScopeSet) -> UpstreamRequest {
        var parameters = [Provider.Parameter("grant_type", ["client_credentials"])]
        if !scopes.isEmpty {
            let text = scopes.scopes.joined(separator: tenant.provider.scopeSeparator)
            parameters.append(Provider.Parameter("scope", [text]))
        }
        return UpstreamRequest(parameters + tenant.provider.parameters, of: tenant, in: tenant.provider.bodyFormat)
    }

    /// A revocation (RFC 7009 §2.1): always a form, without the hint that UKG's page does not show.
    static func revocation(of token: Secret, _ tenant: Tenant) -> UpstreamRequest {
        UpstreamRequest([Provider.Parameter("token", [token.reveal()])], of: tenant, in: .form)
    }

    private init(_ parameters: [Provider.Parameter], of tenant: Tenant, in format: Provider.BodyFormat) {
        let id = tenant.credential.id
        let secret = tenant.credential.secret.reveal()
        var parameters = parameters
        switch tenant.provider.clientAuthentication {
        case .basic:
            fields.append(
                "Authorization", BasicCredentials(user: Self.formEncoded(id), password: Self.formEncoded(secret)).field)
        case .basicRaw:
            fields.append("Authorization", BasicCredentials(user: id, password: secret).field)
        case .body:
            parameters += [Provider.Parameter("client_id", [id]), Provider.Parameter("client_secret", [secret])]
        }
        fields.append("Accept", "application/json")
        switch format {
        case .form:
            fields.append("Content-Type", "application/x-www-form-urlencoded")
            body =
                FormBody(
                    parameters.flatMap { parameter in
                        parameter.values.map { FormBody.Pair(parameter.name, $0) }
                    }
                ).encoded
        case .json:
            fields.append("Content-Type", "application/json")
            body = Self.json(parameters)
        }
    }

    private static func formEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        FormBody.encode(text, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One value is a string, several are an array.
    private static func json(_ parameters: [Provider.Parameter]) -> [UInt8] {
        var body: [UInt8] = [UInt8(ascii: "{")]
        for (index, parameter) in parameters.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(json: parameter.name)
            body.append(UInt8(ascii: ":"))
            if parameter.values.count == 1 {
                body.append(json: parameter.values[0])
            } else {
                body.append(UInt8(ascii: "["))
                for (index, value) in parameter.values.enumerated() {
                    if index > 0 { body.append(UInt8(ascii: ",")) }
                    body.append(json: value)
                }
                body.append(UInt8(ascii: "]"))
            }
        }
        body.append(UInt8(ascii: "}"))
        return body
    }
}
