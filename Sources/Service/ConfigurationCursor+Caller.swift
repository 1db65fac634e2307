import TokenBroker

extension ConfigurationCursor {
    /// A caller.
    ///
    /// - Parameter tenantNames: Every tenant that there is; nil when that is not known, and patterns are not held against it.
    func caller(named name: String, tenantNames: Set<String>?) -> Caller? {
        section { section in
            let keys = section.required("keys", hint: "make one with tokenwell key new")?.list(1...2) { $0.keyDigest() }
            let tenants = section["tenants"]?.list { $0.tenantPattern(among: tenantNames) } ?? []
            let scopes = section["scopes"]?.scopes()
            let mayRevoke = section["revoke"]?.boolean() ?? false
            let isOperator = section["operator"]?.boolean() ?? false
            guard let keys else { return nil }
            let grant = Grant(tenants: tenants, scopes: scopes, mayRevoke: mayRevoke, isOperator: isOperator)
            return Caller(name: name, keys: keys, grant: grant)
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
}
