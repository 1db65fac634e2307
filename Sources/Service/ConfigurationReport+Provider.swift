import TokenBroker

extension ConfigurationReport {
    /// A provider's settings: what every one has, and of the rest what is not as usual.
    static func lines(_ provider: Provider) -> [String] {
        var fields = ["provider: \(provider.name)", "token_url: \(withoutQuery(provider.tokenURL))"]
        if let url = provider.revocationURL { fields.append("revocation_url: \(withoutQuery(url))") }
        fields.append("client_auth: \(word(provider.clientAuthentication))")
        if let authentication = provider.revocationAuthentication {
            fields.append("revocation_auth: \(word(authentication))")
        }
        if provider.clientIDName != "client_id" { fields.append("client_id_name: \(text(provider.clientIDName))") }
        if provider.clientSecretName != "client_secret" {
            fields.append("client_secret_name: \(text(provider.clientSecretName))")
        }
        if let audience = provider.assertionAudience { fields.append("assertion_audience: \(text(audience))") }
        if let keyID = provider.assertionKeyID { fields.append("client_key_id: \(text(keyID))") }
        if provider.method == .get { fields.append("method: get") }
        fields.append("body: \(ConfigurationWords.word(for: provider.bodyFormat, in: ConfigurationWords.bodies))")
        if provider.grantType != "client_credentials" {
            fields.append("grant_type: \(provider.grantType.map(text) ?? "none")")
        }
        if !provider.headers.isEmpty { fields += group("headers", provider.headers.map(lines)) }
        fields += group("parameters", provider.parameters.map(lines))
        fields.append("scope_separator: \(quoted(provider.scopeSeparator))")
        fields += lines(provider.answer)
        if let type = provider.tokenType { fields.append("token_type: \(text(type))") }
        fields.append(
            provider.fixedLifetime.map { "fixed_lifetime: \($0.configurationText)" }
                ?? "default_lifetime: \(provider.defaultLifetime.configurationText)")
        let failures = provider.failures.sorted { $0.key < $1.key }
        if !failures.isEmpty {
            fields += group(
                "failures",
                failures.map { ["\(text($0)): \(ConfigurationWords.word(for: $1, in: ConfigurationWords.failures))"] })
        }
        return fields
    }

    private static func lines(_ parameter: Provider.Parameter) -> [String] {
        let values = parameter.isSecret ? "<secret>" : list(parameter.values.map { $0.reveal() })
        return ["\(parameter.name): \(values)"]
    }

    private static func lines(_ answer: Provider.Answer) -> [String] {
        let usual = Provider.Answer()
        var fields: [String] = []
        if answer.format != usual.format {
            fields.append("format: \(ConfigurationWords.word(for: answer.format, in: ConfigurationWords.formats))")
        }
        for (name, path, usual) in [
            ("access_token", answer.accessToken, usual.accessToken), ("token_type", answer.tokenType, usual.tokenType),
            ("expires_in", answer.expiresIn, usual.expiresIn), ("scope", answer.scope, usual.scope),
            ("error", answer.error, usual.error),
        ] where path != usual {
            fields.append("\(name): \(text(path))")
        }
        if answer.expiresInUnit != usual.expiresInUnit {
            let unit = ConfigurationWords.word(for: answer.expiresInUnit, in: ConfigurationWords.lifetimeUnits)
            fields.append("expires_in_unit: \(unit)")
        }
        if !answer.members.isEmpty { fields.append("members: \(list(answer.members))") }
        return fields.isEmpty ? [] : group("answer", [fields])
    }

    private static func word(_ authentication: Provider.ClientAuthentication) -> String {
        ConfigurationWords.word(for: authentication, in: ConfigurationWords.clientAuthentications)
    }

    /// A query may hold a key.
    static func withoutQuery(_ url: String) -> String {
        url.firstIndex(of: "?").map { url[...$0] + "<secret>" } ?? url
    }
}
