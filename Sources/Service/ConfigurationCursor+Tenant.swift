import HTTP
import TokenBroker

extension ConfigurationCursor {
    /// What differs between providers, decoded.
    private struct Dialect {
        var provider: Provider
        var credential: Credential
        var scopes: ScopeSet
    }

    // The words that the configuration takes.
    private enum ProviderName: String, CaseIterable { case pageup, ukg, oauth2 }
    private enum Environment: String, CaseIterable { case live, uat }
    private enum DataCenter: String, CaseIterable { case dc2, dc3, dc4, dc5 }

    /// A tenant; which keys it has depends on its provider.
    func tenant(named name: String) -> Tenant? {
        section { section in
            let provider = section.required("provider", hint: "use one of pageup, ukg, oauth2")
            guard let provider = provider?.enumeration("a provider", ProviderName.self) else {
                section.ignoreUnknownKeys()
                return nil
            }
            let dialect =
                switch provider {
                case .pageup: Self.pageUp(&section)
                case .ukg: Self.ukg(&section)
                case .oauth2: Self.oauth2(&section)
                }
            let caFile = section["ca_file"]?.file()
            let keepWarm = section["keep_warm"]?.boolean() ?? false
            let mintBudget = section["mint_budget"]?.mintBudget()
            guard let dialect else { return nil }
            return Tenant(
                name: name, provider: dialect.provider, credential: dialect.credential, scopes: dialect.scopes,
                caFile: caFile, keepWarm: keepWarm, mintBudget: mintBudget)
        }
    }

    /// `{burst: N, per_hour: N}`, both.
    private func mintBudget() -> MintBudget.Limits? {
        section { section in
            let burst = section.required("burst", hint: "mints at once")?.integer(in: 1...1000)
            let perHour = section.required("per_hour", hint: "mints an hour")?.integer(in: 1...3600)
            guard let burst, let perHour else { return nil }
            return MintBudget.Limits(burst: burst, perHour: perHour)
        }
    }

    /// A list of scopes, one per item (RFC 6749 §3.3).
    func scopes(_ count: ClosedRange<Int> = 0...100) -> ScopeSet? {
        let scopes = list(count) { item -> String? in
            guard let text = item.string() else { return nil }
            return ScopeSet([text]) != nil
                ? text : item.mistake("\(Printable.quoted(text)) is not a scope", hint: "give one scope per item")
        }
        return scopes.flatMap { ScopeSet($0) }
    }

    // MARK: - PageUp

    private static func pageUp(_ section: inout ConfigurationSection) -> Dialect? {
        let tokenURL = pageUpTokenURL(&section)
        let credential = credential(&section, id: "client_id", secret: "client_secret")
        let scopes = section.required("scopes", hint: "list what the client is registered for")?.scopes(1...100)
        guard let tokenURL, let credential, let scopes else { return nil }
        return Dialect(provider: .pageUp(tokenURL: tokenURL), credential: credential, scopes: scopes)
    }

    private static func pageUpTokenURL(_ section: inout ConfigurationSection) -> String? {
        if let url = section["token_url"] {
            section.exclude("environment", "data_center", because: "token_url takes its place")
            return url.url()
        }
        let environment = section.required("environment", hint: "give live or uat, or a token_url")?
            .enumeration("an environment", Environment.self)
        let dataCenter = section.required("data_center", hint: "give dc2, dc3, dc4 or dc5, or a token_url")?
            .enumeration("a data center", DataCenter.self)
        guard let environment, let dataCenter else { return nil }
        return Provider.pageUpTokenURL(live: environment == .live, dataCenter: dataCenter.rawValue)
    }

    // MARK: - UKG

    private static func ukg(_ section: inout ConfigurationSection) -> Dialect? {
        let baseURL = ukgBaseURL(&section)
        let credential = credential(&section, id: "application_id", secret: "application_secret")
        let clientID = section.required("client_id", hint: "it names the customer at UKG")?.string()
        section.exclude("scopes", because: "ukg has one scope, client")
        guard let baseURL, let credential, let clientID, let scopes = ScopeSet(["client"]) else { return nil }
        return Dialect(provider: .ukg(baseURL: baseURL, clientID: clientID), credential: credential, scopes: scopes)
    }

    private static func ukgBaseURL(_ section: inout ConfigurationSection) -> String? {
        if let base = section["base_url"] {
            section.exclude("region", because: "base_url takes its place")
            guard let text = base.url() else { return nil }
            guard !text.contains("?") else { return base.mistake("a URL with a query", hint: "give scheme and host") }
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        }
        let regions = Provider.ukgRegions
        let names = regions.keys.sorted()
        return section.required("region", hint: "use one of \(names.joined(separator: ", ")), or give a base_url")?
            .word("a region", of: names).flatMap { regions[$0] }
    }

    // MARK: - OAuth 2.0

    private static func oauth2(_ section: inout ConfigurationSection) -> Dialect? {
        let tokenURL = section.required("token_url")?.url()
        let credential = credential(&section, id: "client_id", secret: "client_secret")
        // Built even without a token URL, so that the mistakes of all its other keys are found.
        var provider = Provider(name: "oauth2", tokenURL: tokenURL ?? "", clientAuthentication: .basic)
        provider.revocationURL = section["revocation_url"]?.url()
        provider.clientAuthentication = section["client_auth"]?.clientAuthentication() ?? provider.clientAuthentication
        provider.bodyFormat = section["body"]?.choice("a body", ["form": .form, "json": .json]) ?? provider.bodyFormat
        provider.parameters = section["parameters"]?.parameters() ?? provider.parameters
        provider.scopeSeparator = section["scope_separator"]?.string() ?? provider.scopeSeparator
        provider.defaultLifetime =
            section["default_lifetime"]?.duration(in: .seconds(1) ... .seconds(8_640_000)) ?? provider.defaultLifetime
        let scopes = section["scopes"]?.scopes() ?? .empty
        guard tokenURL != nil, let credential else { return nil }
        return Dialect(provider: provider, credential: credential, scopes: scopes)
    }

    private func clientAuthentication() -> Provider.ClientAuthentication? {
        choice(
            "a client authentication", ["basic": .basic, "basic_raw": .basicRaw, "body": .body],
            planned: ["private_key_jwt", "tls"])
    }

    /// What the broker sends by itself, and the keys that decide it.
    private static var reservedParameters: [String: String] {
        [
            "grant_type": "the broker has one grant, client_credentials", "scope": "use scopes",
            "client_id": "use client_id beside parameters", "client_secret": "use client_secret beside parameters",
            "client_assertion": "this version has no client assertions",
            "client_assertion_type": "this version has no client assertions",
        ]
    }

    private func parameters() -> [Provider.Parameter]? {
        entries().compactMap { entry in child(entry).parameter(named: entry.key) }
    }

    private func parameter(named name: String) -> Provider.Parameter? {
        if let reason = Self.reservedParameters[name] {
            return mistake("the broker sets this parameter itself", hint: reason)
        }
        guard Printable.isWord(name) else {
            return mistake(
                "is not a parameter name", hint: "use letters, digits, \".\", \"_\" and \"-\" (RFC 6749 §8.2)")
        }
        if case .sequence = node.value {
            return list(1...100) { $0.string() }.map { Provider.Parameter(name, $0) }
        }
        return string().map { Provider.Parameter(name, [$0]) }
    }

    // MARK: - Credentials

    private static func credential(
        _ section: inout ConfigurationSection, id idKey: String, secret secretKey: String
    ) -> Credential? {
        let id = section.required(idKey)?.string()
        let secret = section.required(secretKey, hint: "give it as {file: path} or {env: NAME}")?.secret()
        guard let id, let secret else { return nil }
        return Credential(id: id, secret: secret)
    }
}
