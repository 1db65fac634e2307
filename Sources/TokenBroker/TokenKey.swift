import Crypto

/// Everything that makes two tokens different, and nothing else.
struct TokenKey: Hashable, Sendable {
    private let tenant: TenantIdentity
    let scopes: ScopeSet
    // Computed once, because the key of a tenant's default token is looked up on every request.
    private let hash: Int

    init(tenant: TenantIdentity, scopes: ScopeSet) {
        self.tenant = tenant
        self.scopes = scopes
        var hasher = Hasher()
        hasher.combine(tenant)
        hasher.combine(scopes)
        self.hash = hasher.finalize()
    }

    static func == (one: TokenKey, other: TokenKey) -> Bool {
        one.hash == other.hash && one.scopes == other.scopes && one.tenant == other.tenant
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

/// The part of a ``TokenKey`` that is the tenant's: its name, every setting of its provider, and its credential.
///
/// A SHA-256 over an encoding in which every text has its length before it and every list its count, so that no two
/// different tenants are written as the same bytes.
struct TenantIdentity: Hashable, Sendable {
    private let digest: Digest256

    init(_ tenant: Tenant) {
        var encoding = Encoding()
        encoding.append(tenant.name)
        encoding.append(tenant.provider)
        encoding.append(tenant.credential.id)
        encoding.append(Fingerprint(of: tenant.credential.secret.reveal()).text)
        digest = encoding.digest()
    }
}

/// The length-prefixed encoding that a ``TenantIdentity`` is the hash of.
private struct Encoding {
    private var hash = SHA256()

    mutating func append(_ number: Int) {
        withUnsafeBytes(of: UInt64(truncatingIfNeeded: number).bigEndian) { hash.update(bufferPointer: $0) }
    }

    mutating func append(_ text: String) {
        append(text.utf8.count)
        hash.update(data: Array(text.utf8))
    }

    mutating func append(_ duration: Duration) {
        append(Int(duration.components.seconds))
        append(Int(duration.components.attoseconds))
    }

    mutating func append(_ provider: Provider) {
        append(provider.name)
        append(provider.tokenURL)
        append(provider.revocationURL == nil ? 0 : 1)
        append(provider.revocationURL ?? "")
        append("\(provider.clientAuthentication)")
        append("\(provider.bodyFormat)")
        append(provider.parameters.count)
        for parameter in provider.parameters {
            append(parameter.name)
            append(parameter.values.count)
            for value in parameter.values { append(value) }
        }
        append(provider.scopeSeparator)
        append(provider.defaultLifetime)
        append(provider.mintBudget.burst)
        append(provider.mintBudget.perHour)
    }

    consuming func digest() -> Digest256 { Digest256(hash.finalize()) }
}
