import TokenBroker

/// What the files of a configuration say at one time, and every mistake in them.
package struct ConfigurationReading: Sendable {
    /// Where something stands.
    struct Place: Sendable, Equatable {
        let file: String
        let line: Int
        let path: String
    }

    /// Without the tenants that have a mistake.
    package var configuration: Configuration
    /// Sorted by file and place.
    package var mistakes: [ConfigurationErrors.Mistake] = []
    /// nil when it was read from none.
    package var files: ConfigurationFiles?
    /// By name.
    var tenantPlaces: [String: Place] = [:]

    package init(_ configuration: Configuration) { self.configuration = configuration }

    /// Whether no mistake is outside of a tenant.
    var isUsable: Bool { mistakes.allSatisfy { $0.tenant != nil } }

    /// The names of the tenants that a reload would leave as they are, sorted; none when it would leave all as it is.
    package var tenantsLeftAlone: [String] { isUsable ? brokenTenants.filter(Tenant.isName).sorted() : [] }

    /// The tenants that have a mistake.
    var brokenTenants: Set<String> { Set(mistakes.compactMap(\.tenant)) }

    /// Notes that a tenant is right as it is written, and yet cannot be used.
    mutating func note(_ problem: String, of tenant: String, key: String) {
        let place = tenantPlaces[tenant]
        mistakes.append(
            .init(
                file: place?.file ?? "", line: place?.line ?? 0, column: 0, path: "\(place?.path ?? tenant).\(key)",
                problem: problem, tenant: tenant))
    }
}
