/// How many mints an hour keep the tokens of one credential's tenants fresh, beside what its budget allows.
///
/// It supposes one token per tenant, of the provider's default lifetime, and that each is in use all the time.
package struct MintPlan: Hashable, Sendable {
    /// Names, sorted; at least one.
    package let tenants: [String]
    /// The tightest that one of the tenants has.
    package let budget: MintBudget.Limits
    /// Mints an hour, on average.
    package let planned: Double
    /// Mints an hour if every refresh point comes early.
    package let ceiling: Double

    package var exceedsBudget: Bool { ceiling > .seconds(3600) / budget.interval }

    /// - Parameter tenants: All with one credential; at least one.
    private init(of tenants: [Tenant]) {
        let lifetimes = tenants.map(\.provider.defaultLifetime)
        self.tenants = tenants.map(\.name).sorted()
        budget = MintBudget.Limits(sharedBy: tenants)
        planned = lifetimes.map(Self.planned).reduce(0, +)
        ceiling = lifetimes.map(Self.ceiling).reduce(0, +)
    }

    /// The plan of each tenant's credential, by the tenant's name.
    package static func plans(for tenants: [Tenant]) -> [String: MintPlan] {
        var plans: [String: MintPlan] = [:]
        for tenants in Dictionary(grouping: tenants, by: CredentialIdentity.init).values {
            let plan = MintPlan(of: tenants)
            for tenant in tenants { plans[tenant.name] = plan }
        }
        return plans
    }

    /// Mints an hour of a token of that lifetime: on average it is replaced at 84 % of its life.
    package static func planned(lifetime: Duration) -> Double { .seconds(3600) / (lifetime * 84 / 100) }

    /// Mints an hour if every refresh point is drawn at 80 %.
    package static func ceiling(lifetime: Duration) -> Double { .seconds(3600) / (lifetime * 80 / 100) }
}
