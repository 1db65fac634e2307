import Testing
import TokenBroker

struct MintPlanTests {
    private static let credential = Credential(id: "client", secret: Secret("s3cret"))

    @Test func `a plan is of all tenants with one credential`() throws {
        let own = Tenant.example("own", defaultLifetime: .seconds(3600), mintBudget: .standard)
        let shared = ["b", "a"].map { Tenant.example($0, credential: Self.credential, mintBudget: .standard) }
        let plans = MintPlan.plans(for: [own] + shared)
        #expect(Set(plans.keys) == ["own", "a", "b"])
        let plan = try #require(plans["a"])
        #expect(plan == plans["b"])
        #expect(plan.tenants == ["a", "b"])
        #expect(plan.budget == .standard)
        #expect(abs(plan.planned - 28.571) < 0.001)
        #expect(abs(plan.ceiling - 30) < 0.001)
        #expect(plans["own"]?.tenants == ["own"])
        #expect(plans["own"]?.ceiling == 1.25)
    }

    @Test(arguments: [(1, false), (4, false), (5, true)])
    func `at 300 s a budget of sixty an hour is enough for four tenants`(_ count: Int, _ exceeds: Bool) {
        let tenants = (0..<count).map {
            Tenant.example("t\($0)", credential: Self.credential, mintBudget: .standard)
        }
        #expect(MintPlan.plans(for: tenants)["t0"]?.exceedsBudget == exceeds)
    }

    @Test(arguments: [(86_400, 1, true), (86_400, 2, false), (3600, 29, true), (3600, 30, false)])
    func `a budget of days is held against the mints of a day`(_ lifetime: Int, _ perDay: Int, _ exceeds: Bool) {
        let tenant = Tenant.example(
            defaultLifetime: .seconds(lifetime), mintBudget: .init(burst: 3, rate: perDay, per: .day))
        #expect(MintPlan.plans(for: [tenant])[tenant.name]?.exceedsBudget == exceeds)
    }

    @Test func `the plan that is measured is of the lifetimes received and of what is in use`() {
        let rehearsal = Rehearsal()
        let planned = { rehearsal.exposed("tokenwell_planned_mints_per_hour").map { $0.suffix(2) } }
        #expect(planned() == [" 0"])
        rehearsal.ask()
        #expect(planned() == ["15"])
        rehearsal.upstream.usually(.token(lifetime: .seconds(3600)))
        rehearsal.ask(scopes: .of("read"))
        #expect(planned() == ["16"])
        rehearsal.advance(by: .seconds(86_400))
        #expect(planned() == [" 0"])
    }
}
