/// What a caller asks for, and what it may do.
package struct TokenRequest: Sendable {
    package var tenant: String
    /// nil or empty: all that the tenant's ceiling and the grant have in common.
    package var scopes: ScopeSet?
    /// What the caller needs to have left; clamped to what the token's schedule can ever give.
    package var minimumLifetime: Duration?
    package var caller: CallerIdentity
    package var grant: Grant

    package init(
        tenant: String, scopes: ScopeSet? = nil, minimumLifetime: Duration? = nil, caller: CallerIdentity, grant: Grant
    ) {
        self.tenant = tenant
        self.scopes = scopes
        self.minimumLifetime = minimumLifetime
        self.caller = caller
        self.grant = grant
    }
}
