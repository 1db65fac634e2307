import Sockets
import TokenBroker

extension ConfigurationCursor {
    /// What callers are held against; nil is not known, and nothing is held against that.
    struct CallerContext {
        /// Every tenant that there is.
        var tenantNames: Set<String>?
        /// Every issuer of JWTs.
        var issuers: Set<String>?
        /// Whether the listener asks clients for certificates.
        var hasClientCertificates: Bool?
    }

    /// A caller.
    func caller(named name: String, _ context: CallerContext) -> Caller? {
        section { section in
            let keys = section["keys"]?.list(1...2) { $0.keyDigest() }
            let jwt = section["jwt"]?.callerJWT(issuers: context.issuers)
            let names = section["certificate"]?.certificateNames(areAskedFor: context.hasClientCertificates ?? true)
            let tenants = section["tenants"]?.list { $0.tenantPattern(among: context.tenantNames) } ?? []
            let scopes = section["scopes"]?.scopes()
            let mayRevoke = section["revoke"]?.boolean() ?? false
            let isOperator = section["operator"]?.boolean() ?? false
            let networks = section["networks"]?.list(1...100) { $0.network() }
            let rateLimit = section["rate_limit"]?.rateLimit()
            let rejections = section["rejections_per_minute"]?.integer(in: 1...1000)
            if !section.hasAny(of: "keys", "jwt", "certificate") {
                noteMissing("keys", hint: "make one with tokenwell key new, or give jwt or certificate")
            }
            let grant = Grant(tenants: tenants, scopes: scopes, mayRevoke: mayRevoke, isOperator: isOperator)
            return Caller(
                name: name, keys: keys ?? [], jwt: jwt, certificateNames: names ?? [], grant: grant,
                networks: networks ?? [],
                rejectionsPerMinute: rejections ?? CallerIdentity.usualRejectionsPerMinute, rateLimit: rateLimit)
        }
    }

    /// The digest of a key. What stands in its place is never quoted: it may be the key itself.
    private func keyDigest() -> KeyDigest? {
        guard let text = string() else { return nil }
        return KeyDigest(parsing: text)
            ?? mistake(
                "not the digest of a key", hint: "write sha256: and 64 hex digits, as tokenwell key new prints them")
    }

    private func tenantPattern(among names: Set<String>?) -> Grant.TenantPattern? {
        guard let text = string() else { return nil }
        guard let pattern = Grant.TenantPattern(text) else {
            return mistake("\(Printable.quoted(text)) is not a tenant", hint: "write a tenant's name, eu-* or *")
        }
        guard case .exact(let name) = pattern, let names, !names.contains(name) else { return pattern }
        // Sorted, so that of equally near names the same one is suggested each time.
        let closest = Suggestion.closest(to: name, in: names.sorted())
        return mistake("there is no tenant \(Printable.quoted(name))", hint: closest.map { "did you mean \($0)?" })
    }

    // MARK: - Certificates

    /// `{uri: name}`, `{dns: name}`, or both, each a name or a list of them.
    private func certificateNames(areAskedFor: Bool) -> [CertificateName]? {
        if !areAskedFor {
            note("no client is asked for a certificate", hint: "give tls.client_ca, which says whose to take")
        }
        return section { section in
            let uris = section["uri"]?.oneOrMore { $0.uriName() }
            let dns = section["dns"]?.oneOrMore { $0.dnsName() }
            if !section.hasAny(of: "uri", "dns") { noteMissing("uri", hint: "or dns") }
            return (uris ?? []) + (dns ?? [])
        }
    }

    private func oneOrMore<Item>(_ decode: (ConfigurationCursor) -> Item?) -> [Item]? {
        if case .sequence = node.value { return list(1...64, decode) }
        return decode(self).map { [$0] }
    }

    private func uriName() -> CertificateName? {
        guard let text = string() else { return nil }
        guard text.utf8.count <= 2048, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), text.contains("://") else {
            return mistake("\(Printable.quoted(text)) is not a URI", hint: "write it as spiffe://domain/path")
        }
        return .uri(text)
    }

    private func dnsName() -> CertificateName? {
        guard let text = string() else { return nil }
        // A wildcard vouches for a host, and says nothing about which one it is.
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 255, labels.allSatisfy({ Printable.isWord(String($0)) }) else {
            return mistake("\(Printable.quoted(text)) is not a DNS name", hint: "write it as host.example, without *")
        }
        return .dns(text.lowercased())
    }

    // MARK: - Limits

    private func network() -> Network? {
        guard let text = string() else { return nil }
        return Network(text)
            ?? mistake(
                "\(Printable.quoted(text)) is not a network",
                hint: "write it as 10.0.0.0/8 or fd00::/8, with no bits beyond the prefix")
    }

    private func rateLimit() -> RateLimit? {
        section { section in
            let perSecond = section.required("per_second")?.integer(in: 1...1_000_000)
            let burst = section["burst"]?.integer(in: 1...1_000_000)
            return perSecond.map { RateLimit(perSecond: $0, burst: burst ?? $0) }
        }
    }
}
