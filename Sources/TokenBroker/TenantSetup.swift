/// A tenant as one configuration has it: what its requests are held against, and its mints are made with.
final class TenantSetup: Sendable {
    let tenant: Tenant
    let identity: TenantIdentity
    /// The key of a request that names no scopes, from a caller whose grant limits none.
    let defaultKey: TokenKey
    let credential: SharedCredential

    init(_ tenant: Tenant, _ credential: SharedCredential) {
        self.tenant = tenant
        self.credential = credential
        identity = TenantIdentity(tenant)
        defaultKey = TokenKey(tenant: identity, scopes: tenant.scopes)
    }
}
