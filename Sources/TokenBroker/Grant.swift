/// What a caller may do. Nothing, unless it says so.
package struct Grant: Hashable, Sendable {
    /// A tenant's exact name, or a prefix written as `eu-*`; `*` alone is every tenant.
    package enum TenantPattern: Hashable, Sendable {
        case exact(String)
        case prefix(String)

        /// nil when the text is neither a tenant name nor one with a single final `*`.
        package init?(_ text: String) {
            if text == "*" {
                self = .prefix("")
            } else if text.hasSuffix("*"), Tenant.isName(String(text.dropLast())) {
                self = .prefix(String(text.dropLast()))
            } else if Tenant.isName(text) {
                self = .exact(text)
            } else {
                return nil
            }
        }

        /// Whether the pattern names that tenant.
        func matches(_ tenant: String) -> Bool {
            switch self {
            case .exact(let name): tenant == name
            case .prefix(let prefix): tenant.hasPrefix(prefix)
            }
        }
    }

    package var tenants: [TenantPattern]
    /// The scopes it may ask for; nil is all that the tenant's ceiling has.
    package var scopes: ScopeSet?
    package var mayRevoke: Bool
    package var isOperator: Bool

    /// - Parameter tenants: None allows nothing.
    package init(tenants: [TenantPattern], scopes: ScopeSet? = nil, mayRevoke: Bool = false, isOperator: Bool = false) {
        self.tenants = tenants
        self.scopes = scopes
        self.mayRevoke = mayRevoke
        self.isOperator = isOperator
    }

    /// Whether it covers that tenant.
    func allows(_ tenant: String) -> Bool {
        for pattern in tenants where pattern.matches(tenant) { return true }
        return false
    }

    /// Whether it may learn that a tenant does not exist: an operator, or a grant of every tenant.
    var seesEveryTenant: Bool { isOperator || tenants.contains(.prefix("")) }
}
