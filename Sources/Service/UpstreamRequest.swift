import HTTP
import TokenBroker

/// A request to an upstream in its provider's dialect, as it goes over the wire.
struct UpstreamRequest {
    var method: Method
    var url: String
    var fields = Fields()
    var body: [UInt8] = []

    /// A token request (RFC 6749 §4.4.2).
    ///
    /// - Parameter now: Seconds since 1970, for a client assertion.
    static func token(_ tenant: Tenant, scopes: ScopeSet, now: Int) throws(MintFailure) -> UpstreamRequest {
        let provider = tenant.provider
        var parameters: [Provider.Parameter] = []
        if let grantType = provider.grantType { parameters.append(.init("grant_type", [grantType])) }
        if !scopes.isEmpty {
            parameters.append(.init("scope", [scopes.scopes.joined(separator: provider.scopeSeparator)]))
        }
        var request = UpstreamRequest(method: provider.method == .get ? .get : .post, url: provider.tokenURL)
        try request.complete(
            parameters + provider.parameters, as: provider.bodyFormat, by: provider.clientAuthentication, of: tenant,
            now: now)
        return request
    }

    /// A revocation (RFC 7009 §2.1): always a form, without the hint that UKG's page does not show.
    static func revocation(of token: Secret, _ tenant: Tenant, now: Int) throws(MintFailure) -> UpstreamRequest {
        let provider = tenant.provider
        guard let url = provider.revocationURL else { throw .rejected("no_revocation") }
        var request = UpstreamRequest(method: .post, url: url)
        try request.complete(
            [.init("token", [token.reveal()])], as: .form,
            by: provider.revocationAuthentication ?? provider.clientAuthentication, of: tenant, now: now)
        return request
    }

    private mutating func complete(
        _ parameters: [Provider.Parameter], as format: Provider.BodyFormat,
        by authentication: Provider.ClientAuthentication, of tenant: Tenant, now: Int
    ) throws(MintFailure) {
        let parameters = parameters + (try authenticate(by: authentication, tenant, now: now))
        let headers = tenant.provider.headers
        if !headers.contains(where: { $0.name.lowercased() == "accept" }) {
            fields.append("Accept", "application/json")
        }
        for header in headers {
            for value in header.values { fields.append(named: header.name, value.reveal()) }
        }
        switch format {
        case .form:
            fields.append("Content-Type", "application/x-www-form-urlencoded")
            body = Self.form(parameters)
        case .json:
            fields.append("Content-Type", "application/json")
            body = Self.json(parameters)
        case .query:
            url += (url.contains("?") ? "&" : "?") + String(decoding: Self.form(parameters), as: UTF8.self)
        }
    }

    // MARK: - Authentication

    /// Proves the client in the head.
    ///
    /// - Returns: The parameters that prove it.
    private mutating func authenticate(
        by authentication: Provider.ClientAuthentication, _ tenant: Tenant, now: Int
    ) throws(MintFailure) -> [Provider.Parameter] {
        let provider = tenant.provider
        let id = tenant.credential.id
        let secret = tenant.credential.secret.reveal()
        switch authentication {
        case .basic:
            append(BasicCredentials(user: Self.formEncoded(id), password: Self.formEncoded(secret)))
        case .basicRaw:
            append(BasicCredentials(user: id, password: secret))
        case .body:
            return [.init(provider.clientIDName, [id]), .init(provider.clientSecretName, [secret])]
        case .header:
            fields.append(named: provider.clientIDName, id)
            fields.append(named: provider.clientSecretName, secret)
        case .privateKeyJWT:
            let assertion = try ClientAssertion(tenant, now: now)
            return [
                .init("client_assertion_type", [ClientAssertion.type]), .init("client_assertion", [assertion.text]),
            ]
        case .tls:
            return [.init(provider.clientIDName, [id])]
        }
        return []
    }

    private mutating func append(_ credentials: BasicCredentials) {
        fields.append("Authorization", credentials.field)
    }

    // MARK: - Encodings

    private static func formEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        FormBody.encode(text, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func form(_ parameters: [Provider.Parameter]) -> [UInt8] {
        FormBody(
            parameters.flatMap { parameter in
                parameter.values.map { FormBody.Pair(parameter.name, $0.reveal()) }
            }
        ).encoded
    }

    /// One value is a string, several are an array.
    private static func json(_ parameters: [Provider.Parameter]) -> [UInt8] {
        var body: [UInt8] = [UInt8(ascii: "{")]
        for (index, parameter) in parameters.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(json: parameter.name)
            body.append(UInt8(ascii: ":"))
            if parameter.values.count == 1 {
                body.append(json: parameter.values[0].reveal())
            } else {
                body.append(UInt8(ascii: "["))
                for (index, value) in parameter.values.enumerated() {
                    if index > 0 { body.append(UInt8(ascii: ",")) }
                    body.append(json: value.reveal())
                }
                body.append(UInt8(ascii: "]"))
            }
        }
        body.append(UInt8(ascii: "}"))
        return body
    }
}
