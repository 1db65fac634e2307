import Telemetry

/// A gauge that shows what a tenant's reading says.
struct TenantGauge: Sendable {
    let name: String
    let help: String
    let samples: @Sendable (TenantReading, Labels) -> [Sample]

    /// One value.
    private init(_ name: String, _ help: String, _ value: @escaping @Sendable (TenantReading) -> Int) {
        self.name = name
        self.help = help
        samples = { [Sample(.count(value($0)), labels: $1)] }
    }

    /// One of the default scopes, and one of the others if any of those is in use.
    private init(
        _ name: String, of value: @escaping @Sendable (TenantReading.Health) -> Duration, _ help: String
    ) {
        self.name = name
        self.help = help
        samples = { reading, labels in
            [(reading.defaultToken, Self.defaultScopes), (reading.otherTokens, Self.otherScopes)].compactMap {
                health, scopes in
                health.map { Sample(.time(value($0)), labels: labels.followed(by: scopes)) }
            }
        }
    }

    private static let defaultScopes = Labels([("scopes", "default")])
    private static let otherScopes = Labels([("scopes", "other")])

    /// Every one, in the order in which they are shown.
    static let all = [
        TenantGauge(
            "tokenwell_token_remaining_seconds", of: \.remaining,
            "What is left of a token; 0 without one. Of those with other scopes than the default the one that is worst off."
        ),
        TenantGauge(
            "tokenwell_token_usable_seconds", of: \.usable,
            "For how long that token is handed out yet, if no other one comes; 0 without one."),
        TenantGauge(
            "tokenwell_mints_failing_seconds", of: \.failing,
            "For how long mints for that token have failed; 0 while they succeed."),
        TenantGauge(
            "tokenwell_mint_budget_remaining",
            "Mints that the tenant's credential has left now, the operators' reserve included."
        ) { $0.budget },
        TenantGauge(
            "tokenwell_mint_budget_burst",
            "Mints that the tenant's credential has left at most, the operators' reserve included."
        ) { $0.burst },
        TenantGauge(
            "tokenwell_planned_mints_per_hour",
            "Mints an hour that keep the tenant's tokens fresh, of the lifetimes received; rounded up."
        ) { $0.plannedMints },
        TenantGauge("tokenwell_suspended", "1 while the upstream refuses the tenant's credential.") {
            $0.isSuspended ? 1 : 0
        },
        TenantGauge(
            "tokenwell_revocations_pending",
            "Revoked tokens that have not ended, and of which the upstream is yet to be told."
        ) { $0.pendingRevocations },
    ]
}
