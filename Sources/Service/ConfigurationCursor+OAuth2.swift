import HTTP
import TokenBroker

/// The generic provider: each of its keys is one way in which vendors differ.
extension ConfigurationCursor {
    static func oauth2(_ section: inout ConfigurationSection) -> Dialect? {
        let tokenURL = section.required("token_url")?.url()
        let authentication =
            section["client_auth"]?.choice("a client authentication", ConfigurationWords.clientAuthentications)
            ?? .basic
        // Built even without a token URL, so that the mistakes of all its other keys are found.
        var provider = Provider(name: "oauth2", tokenURL: tokenURL ?? "", clientAuthentication: authentication)
        let credential = credential(&section, &provider)
        readRequest(&section, &provider)
        readAnswer(&section, &provider)
        readRevocation(&section, &provider)
        let scopes = section["scopes"]?.scopes() ?? .empty
        guard tokenURL != nil, let credential else { return nil }
        return Dialect(provider: provider, credential: credential, scopes: scopes)
    }

    // MARK: - The credential

    private static func credential(_ section: inout ConfigurationSection, _ provider: inout Provider) -> Credential? {
        readCredentialNames(&section, &provider)
        switch provider.clientAuthentication {
        case .basic, .basicRaw, .body, .header:
            return credential(&section, id: "client_id", secret: "client_secret")
        case .privateKeyJWT:
            return signingCredential(&section, &provider)
        case .tls:
            return certifiedCredential(&section)
        }
    }

    /// What the fields or parameters of id and secret are called.
    private static func readCredentialNames(_ section: inout ConfigurationSection, _ provider: inout Provider) {
        switch provider.clientAuthentication {
        case .basic, .basicRaw:
            section.exclude("client_id_name", "client_secret_name", because: "Basic has no names for them")
        case .privateKeyJWT:
            section.exclude("client_id_name", "client_secret_name", because: "an assertion has its own")
        case .tls:
            section.exclude("client_secret_name", because: "client_auth: tls has no secret")
            provider.clientIDName = section["client_id_name"]?.parameterName() ?? provider.clientIDName
        case .body:
            provider.clientIDName = section["client_id_name"]?.parameterName() ?? provider.clientIDName
            provider.clientSecretName = section["client_secret_name"]?.parameterName() ?? provider.clientSecretName
        case .header:
            let hint = "name the header field"
            let id = section.required("client_id_name", hint: hint)?.fieldName(besideAuthorization: false)
            let secret = section.required("client_secret_name", hint: hint)?.fieldName(besideAuthorization: false)
            provider.clientIDName = id ?? provider.clientIDName
            provider.clientSecretName = secret ?? provider.clientSecretName
        }
    }

    /// The credential of a client whose certificate, decoded with what all tenants have, proves the id (RFC 8705 §2).
    private static func certifiedCredential(_ section: inout ConfigurationSection) -> Credential? {
        let id = section.required("client_id")?.string()
        _ = section.required("client_certificate", hint: "give it as {certificate: path, key: path}")
        section.exclude("client_secret", "client_secret_next", because: "client_auth: tls needs none")
        return id.map { Credential(id: $0, secret: Secret("")) }
    }

    /// The credential of a client that signs assertions (RFC 7523 §2.2).
    private static func signingCredential(
        _ section: inout ConfigurationSection, _ provider: inout Provider
    ) -> Credential? {
        let id = section.required("client_id")?.string()
        let key = section.required("client_key", hint: "give the path of a PEM file")?.signingKey()
        provider.assertionKeyID = section["client_key_id"]?.string()
        provider.assertionAudience = section["assertion_audience"]?.string()
        section.exclude(
            "client_secret", "client_secret_next", because: "client_auth: private_key_jwt has client_key")
        guard let id, let key else { return nil }
        return Credential(id: id, secret: key)
    }

    // MARK: - The request

    private static func readRequest(_ section: inout ConfigurationSection, _ provider: inout Provider) {
        provider.method = section["method"]?.choice("a method", ConfigurationWords.methods) ?? provider.method
        if provider.method == .get {
            section.exclude("body", because: "method: get has its parameters in the query")
            provider.bodyFormat = .query
        } else {
            provider.bodyFormat = section["body"]?.choice("a body", ConfigurationWords.bodies) ?? provider.bodyFormat
        }
        if let type = section["grant_type"]?.string() { provider.grantType = type == "none" ? nil : type }
        provider.headers = section["headers"]?.headers(of: provider) ?? provider.headers
        provider.parameters = section["parameters"]?.parameters(of: provider) ?? provider.parameters
        provider.scopeSeparator = section["scope_separator"]?.string() ?? provider.scopeSeparator
    }

    private func headers(of provider: Provider) -> [Provider.Parameter] {
        let hasAuthorization = [.basic, .basicRaw].contains(provider.clientAuthentication)
        return entries().compactMap { entry in
            let cursor = child(entry)
            guard cursor.isFieldName(entry.key, besideAuthorization: hasAuthorization) else { return nil }
            return cursor.parameter(named: entry.key)
        }
    }

    /// Fields that the broker, or HTTP itself, writes.
    private static var reservedFields: Set<String> {
        [
            "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
            "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        ]
    }

    private func fieldName(besideAuthorization: Bool) -> String? {
        guard let name = string(), isFieldName(name, besideAuthorization: besideAuthorization) else { return nil }
        return name
    }

    /// Whether a header field may be called that; if not, it is a mistake.
    private func isFieldName(_ name: String, besideAuthorization: Bool) -> Bool {
        if name.utf8.count > 64 || !Fields.isName(name) {
            note("is not the name of a header field", hint: "use letters, digits and \"-\"")
        } else if Self.reservedFields.contains(name.lowercased()) {
            note("the broker writes this header field itself")
        } else if besideAuthorization, name.lowercased() == "authorization" {
            note("the broker writes this header field itself", hint: "it holds the client's id and secret")
        } else {
            return true
        }
        return false
    }

    /// What the broker sends by itself, and the keys that decide it.
    private static func reservedParameters(of provider: Provider) -> [String: String] {
        var reserved = [
            "grant_type": "use grant_type beside parameters", "scope": "use scopes",
            "client_secret": "use client_secret beside parameters",
            "client_assertion": "use client_auth: private_key_jwt",
            "client_assertion_type": "use client_auth: private_key_jwt",
        ]
        // With Basic it may name somebody else: UKG's customer.
        if [.body, .tls].contains(provider.clientAuthentication) {
            reserved["client_id"] = "use client_id beside parameters"
            reserved[provider.clientIDName] = "use client_id beside parameters"
            if provider.clientAuthentication == .body {
                reserved[provider.clientSecretName] = "use client_secret beside parameters"
            }
        }
        return reserved
    }

    private func parameters(of provider: Provider) -> [Provider.Parameter] {
        let reserved = Self.reservedParameters(of: provider)
        return entries().compactMap { entry in
            let cursor = child(entry)
            if let reason = reserved[entry.key] {
                return cursor.mistake("the broker sets this parameter itself", hint: reason)
            }
            guard cursor.isParameterName(entry.key) else { return nil }
            return cursor.parameter(named: entry.key)
        }
    }

    private func parameterName() -> String? {
        guard let name = string(), isParameterName(name) else { return nil }
        return name
    }

    /// Whether a parameter may be called that; if not, it is a mistake.
    private func isParameterName(_ name: String) -> Bool {
        if Printable.isWord(name) { return true }
        note("is not a parameter name", hint: "use letters, digits, \".\", \"_\" and \"-\" (RFC 6749 §8.2)")
        return false
    }

    /// One value, or a list of them; each a text, or a secret.
    private func parameter(named name: String) -> Provider.Parameter? {
        let values: [(text: String, isSecret: Bool)]?
        if case .sequence = node.value {
            values = list(1...100) { $0.textOrSecret() }
        } else {
            values = textOrSecret().map { [$0] }
        }
        return values.map { values in
            Provider.Parameter(name, values.map(\.text), isSecret: values.contains(where: \.isSecret))
        }
    }

    // MARK: - The answer

    private static func readAnswer(_ section: inout ConfigurationSection, _ provider: inout Provider) {
        provider.answer = section["answer"]?.answer() ?? provider.answer
        provider.tokenType =
            section["token_type"]?.tokenType() ?? (provider.answer.format == .token ? "Bearer" : nil)
        let lifetimes = Duration.seconds(1)...Duration.seconds(8_640_000)
        if let fixed = section["fixed_lifetime"] {
            section.exclude("default_lifetime", because: "fixed_lifetime takes its place")
            provider.fixedLifetime = fixed.duration(in: lifetimes)
            provider.defaultLifetime = provider.fixedLifetime ?? provider.defaultLifetime
        } else {
            provider.defaultLifetime =
                section["default_lifetime"]?.duration(in: lifetimes) ?? provider.defaultLifetime
        }
        provider.failures = section["failures"]?.failures() ?? provider.failures
    }

    private func answer() -> Provider.Answer? {
        section { section in
            var answer = Provider.Answer()
            answer.format = section["format"]?.choice("a format", ConfigurationWords.formats) ?? answer.format
            answer.error = section["error"]?.memberPath() ?? answer.error
            if answer.format == .token {
                section.exclude(
                    "access_token", "token_type", "expires_in", "expires_in_unit", "scope", "members",
                    because: "the token is all of the answer")
                return answer
            }
            answer.accessToken = section["access_token"]?.memberPath() ?? answer.accessToken
            answer.tokenType = section["token_type"]?.memberPath() ?? answer.tokenType
            answer.expiresIn = section["expires_in"]?.memberPath() ?? answer.expiresIn
            answer.expiresInUnit =
                section["expires_in_unit"]?.choice("a unit", ConfigurationWords.lifetimeUnits) ?? answer.expiresInUnit
            answer.scope = section["scope"]?.memberPath() ?? answer.scope
            answer.members = section["members"]?.list(1...8) { $0.memberName() } ?? answer.members
            return answer
        }
    }

    /// The name of a member that is handed on with the token.
    private func memberName() -> String? {
        guard let name = string() else { return nil }
        guard Printable.isWord(name) else {
            return mistake(
                "\(Printable.quoted(name)) is not a name", hint: "use letters, digits, \".\", \"_\" and \"-\"")
        }
        guard !TokenRendering.reservedMembers.contains(name) else {
            return mistake("\(name) is not handed on", hint: "the broker's answers have a meaning of their own for it")
        }
        return name
    }

    /// The names on the way to a member of the answer, with `.` between.
    private func memberPath() -> String? {
        guard let path = string() else { return nil }
        let names = path.split(separator: ".", omittingEmptySubsequences: false)
        if names.count <= 8, names.allSatisfy({ Printable.isWord(String($0)) }) { return path }
        return mistake("\(Printable.quoted(path)) is not a path", hint: "write it as data.token")
    }

    /// An authentication scheme (RFC 9110 §11.1).
    private func tokenType() -> String? {
        guard let type = string() else { return nil }
        if type.utf8.count <= 64, Fields.isName(type) { return type }
        return mistake("\(Printable.quoted(type)) is not a token type", hint: "give the scheme, such as Bearer")
    }

    /// Failure classes by the code of an error (RFC 6749 §5.2), or by `http_403` and the like.
    private func failures() -> [String: Provider.FailureClass] {
        var failures: [String: Provider.FailureClass] = [:]
        for entry in entries() {
            let cursor = child(entry)
            guard Self.isErrorCode(entry.key) else {
                cursor.note("is not the code of an error", hint: "give what the vendor has in error, or http_403")
                continue
            }
            failures[entry.key] = cursor.choice("a failure class", ConfigurationWords.failures)
        }
        return failures
    }

    /// `%x20-21 / %x23-5B / %x5D-7E` (RFC 6749 §5.2).
    private static func isErrorCode(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
    }

    // MARK: - Revocation

    private static func readRevocation(_ section: inout ConfigurationSection, _ provider: inout Provider) {
        provider.revocationURL = section["revocation_url"]?.url()
        // The others need more than id and secret, or something else.
        let choices: KeyValuePairs<String, Provider.ClientAuthentication> = [
            "basic": .basic, "basic_raw": .basicRaw, "body": .body,
        ]
        guard [.basic, .basicRaw, .body, .header].contains(provider.clientAuthentication) else {
            section.exclude("revocation_auth", because: "it is that of client_auth")
            return
        }
        provider.revocationAuthentication = section["revocation_auth"]?.choice("a client authentication", choices)
    }
}
