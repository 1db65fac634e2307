import TokenBroker

/// Where a secret of the configuration belongs. What is sealed for one place opens in no other.
package struct SecretPlace: Hashable, Sendable {
    package let tenant: String
    /// The keys that lead from the tenant to the secret with `.` between, and its place in a list: `client_secret`,
    /// `headers.X-Api-Key`, `parameters.resource[1]`.
    package let field: String

    /// The place in a configuration, whatever it is.
    init(inConfigurationOf tenant: String, field: String) {
        self.tenant = tenant
        self.field = field
    }

    /// The place that a person names; nil where a tenant has no secret, or cannot be called that.
    package init?(tenant: String, field: String) {
        guard Tenant.isName(tenant), Self.isField(field) else { return nil }
        self.init(inConfigurationOf: tenant, field: field)
    }

    /// The context in which it is sealed.
    var context: [[UInt8]] { [Array(tenant.utf8), Array(field.utf8)] }

    private static let fields = [
        "client_secret", "client_secret_next", "application_secret", "application_secret_next",
    ]

    private static func isField(_ text: String) -> Bool {
        if fields.contains(text) { return true }
        guard let group = ["headers.", "parameters."].first(where: text.hasPrefix) else { return false }
        let name = text.utf8.dropFirst(group.utf8.count)
        return (1...128).contains(name.count) && name.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
