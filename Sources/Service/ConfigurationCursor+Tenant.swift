import HTTP
import Sockets
import TokenBroker

extension ConfigurationCursor {
    /// What differs between providers, decoded.
    struct Dialect {
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
            let clientCertificate = section["client_certificate"]?.certificateFiles()
            let keepWarm = section["keep_warm"]?.boolean() ?? false
            let mintBudget = section["mint_budget"]?.mintBudget()
            guard let dialect else { return nil }
            let tenant = Tenant(
                name: name, provider: dialect.provider, credential: dialect.credential, scopes: dialect.scopes,
                caFile: caFile,
                clientCertificate: clientCertificate.map { .init(certificateFile: $0.certificate, keyFile: $0.key) },
                keepWarm: keepWarm, mintBudget: mintBudget)
            return hasUsableURLs(tenant) ? tenant : nil
        }
    }

    /// Whether the client takes the URLs of the tenant's requests, with all that they may get to carry; if not, it is a
    /// mistake.
    private func hasUsableURLs(_ tenant: Tenant) -> Bool {
        let provider = tenant.provider
        let urls = [provider.tokenURL, provider.revocationURL].compactMap(\.self) + Self.queries(of: tenant)
        let longest = urls.map(\.utf8.count).max() ?? 0
        if longest <= HTTPURL.maximumBytes { return true }
        note(
            "has a request with a URL of \(longest) bytes",
            hint: "\(HTTPURL.maximumBytes) can be sent; a body, unlike a query, has room for more")
        return false
    }

    /// The URLs of the token requests for all of the scopes, where they carry the parameters.
    private static func queries(of tenant: Tenant) -> [String] {
        guard tenant.provider.bodyFormat == .query else { return [] }
        return [tenant.credential.secret, tenant.credential.nextSecret].compactMap { secret in
            guard let secret else { return nil }
            var tenant = tenant
            tenant.credential.secret = secret
            return try? UpstreamRequest.token(tenant, scopes: tenant.scopes, now: 0).url
        }
    }

    /// `{burst: N, per_hour: N}`, or `per_day` in place of that; both.
    private func mintBudget() -> MintBudget.Limits? {
        section { section in
            let burst = section.required("burst", hint: "mints at once")?.integer(in: 1...1000)
            if let perDay = section["per_day"] {
                section.exclude("per_hour", because: "per_day takes its place")
                guard let burst, let rate = perDay.integer(in: 1...1000) else { return nil }
                return MintBudget.Limits(burst: burst, rate: rate, per: .day)
            }
            let rate = section.required("per_hour", hint: "give mints an hour, or per_day")?.integer(in: 1...3600)
            guard let burst, let rate else { return nil }
            return MintBudget.Limits(burst: burst, perHour: rate)
        }
    }

    /// A list of scopes, one per item (RFC 6749 §3.3).
    func scopes(_ count: ClosedRange<Int> = 0...100) -> ScopeSet? {
        let scopes = list(count) { item -> String? in
            guard let text = item.string() else { return nil }
            return ScopeSet.isScope(text)
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

    // MARK: - Credentials

    static func credential(
        _ section: inout ConfigurationSection, id idKey: String, secret secretKey: String
    ) -> Credential? {
        let id = section.required(idKey)?.string()
        let secret = section.required(secretKey, hint: secretHint)?.secret()
        let next = section[secretKey + "_next"]
        let nextSecret = next?.secret()
        if let secret, secret == nextSecret {
            next?.note("is the same secret as \(secretKey)", hint: "leave it out until there is another")
        }
        guard let id, let secret else { return nil }
        return Credential(id: id, secret: secret, nextSecret: nextSecret)
    }
}
