/// What the upstream knows us by (RFC 6749 §2.3.1).
package struct Credential: Hashable, Sendable {
    /// The `client_id` of the RFC; for UKG the application id.
    package var id: String
    /// Empty where a certificate is what proves the id.
    package var secret: Secret
    /// What the secret is being changed to: tried when the upstream refuses the other as `invalid_client`.
    package var nextSecret: Secret?

    package init(id: String, secret: Secret, nextSecret: Secret? = nil) {
        self.id = id
        self.secret = secret
        self.nextSecret = nextSecret
    }
}

/// One customer account at a vendor.
package struct Tenant: Hashable, Sendable {
    /// A certificate that is shown to an upstream, and its private key: the paths of PEM files.
    package struct ClientCertificate: Hashable, Sendable {
        package var certificateFile: String
        package var keyFile: String

        package init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// A slug, see ``isName(_:)``.
    package var name: String
    package var provider: Provider
    package var credential: Credential
    /// The ceiling: no token of this tenant has another scope. Also the default of a request that names none.
    package var scopes: ScopeSet
    /// PEM file of a private CA that is trusted for this tenant's upstream besides the system's roots.
    package var caFile: String?
    /// Shown to this tenant's upstream when that asks for one.
    package var clientCertificate: ClientCertificate?
    /// Whether the token is minted at start and refreshed even when nobody asks.
    package var keepWarm: Bool
    package var mintBudget: MintBudget.Limits

    /// - Parameter mintBudget: nil is the provider's.
    package init(
        name: String, provider: Provider, credential: Credential, scopes: ScopeSet, caFile: String? = nil,
        clientCertificate: ClientCertificate? = nil, keepWarm: Bool = false, mintBudget: MintBudget.Limits? = nil
    ) {
        self.name = name
        self.provider = provider
        self.credential = credential
        self.scopes = scopes
        self.caFile = caFile
        self.clientCertificate = clientCertificate
        self.keepWarm = keepWarm
        self.mintBudget = mintBudget ?? provider.mintBudget
    }

    /// The same tenant, known to its upstream by that one of its secrets.
    func with(_ secret: Secret) -> Tenant {
        var tenant = self
        tenant.credential.secret = secret
        return tenant
    }

    /// `[a-z0-9][a-z0-9._-]{0,62}`.
    package static func isName(_ text: String) -> Bool {
        let isAlphanumeric = { (byte: UInt8) in (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
        guard let first = text.utf8.first, isAlphanumeric(first), text.utf8.count <= 63 else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
    }
}
