import Crypto

/// Everything that makes two tokens different, and nothing else.
struct TokenKey: Hashable, Sendable {
    let tenant: TenantIdentity
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

    /// What a mint of it is claimed by, see ``Replicas``.
    var claimName: [UInt8] {
        var writer = BinaryWriter()
        writer.append(tenant.digest.bytes)
        writer.append(scopes.description)
        return Digest256(SHA256.hash(data: writer.bytes)).bytes
    }

    static func == (one: TokenKey, other: TokenKey) -> Bool {
        one.hash == other.hash && one.scopes == other.scopes && one.tenant == other.tenant
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

/// The part of a ``TokenKey`` that is the tenant's: its name, every setting of its provider, and what it is known by there.
///
/// The secret is no part of it, as it only proves what the rest says: which one a token was minted with is remembered
/// beside the token, and another costs no mint.
///
/// A SHA-256 over an encoding in which every text has its length before it and every list its count, so that no two
/// different tenants are written as the same bytes.
struct TenantIdentity: Hashable, Sendable {
    let digest: Digest256

    init(_ tenant: Tenant) {
        var encoding = BinaryWriter()
        encoding.append(tenant.name)
        encoding.append(tenant.provider)
        encoding.append(tenant.credential.id)
        encoding.append(tenant.clientCertificate?.certificateFile ?? "")
        digest = Digest256(SHA256.hash(data: encoding.bytes))
    }
}

extension BinaryWriter {
    fileprivate mutating func append(_ parameters: [Provider.Parameter]) {
        append(parameters.count)
        for parameter in parameters {
            append(parameter.name)
            append(parameter.isSecret)
            append(parameter.values.count)
            for value in parameter.values { append(value.reveal()) }
        }
    }

    fileprivate mutating func append(_ answer: Provider.Answer) {
        append(answer.format.rawValue)
        append(answer.accessToken)
        append(answer.tokenType)
        append(answer.expiresIn)
        append(answer.expiresInUnit.rawValue)
        append(answer.scope)
        append(answer.error)
        append(answer.members.count)
        for name in answer.members { append(name) }
    }

    fileprivate mutating func append(_ failures: [String: Provider.FailureClass]) {
        append(failures.count)
        for (word, failure) in failures.sorted(by: { $0.key < $1.key }) {
            append(word)
            append(failure.rawValue)
        }
    }

    fileprivate mutating func append(_ provider: Provider) {
        append(provider.name)
        append(provider.tokenURL)
        append(provider.revocationURL) { $0.append($1) }
        append(provider.clientAuthentication.rawValue)
        append(provider.revocationAuthentication) { $0.append($1.rawValue) }
        append(provider.clientIDName)
        append(provider.clientSecretName)
        append(provider.assertionAudience) { $0.append($1) }
        append(provider.assertionKeyID) { $0.append($1) }
        append(provider.method.rawValue)
        append(provider.bodyFormat.rawValue)
        append(provider.grantType) { $0.append($1) }
        append(provider.headers)
        append(provider.parameters)
        append(provider.scopeSeparator)
        append(provider.answer)
        append(provider.tokenType) { $0.append($1) }
        append(provider.fixedLifetime) { $0.append($1) }
        append(provider.defaultLifetime)
        append(provider.failures)
        append(provider.mintBudget.burst)
        append(provider.mintBudget.rate)
        append(provider.mintBudget.period.rawValue)
    }
}
