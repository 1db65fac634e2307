import Testing

@testable import TokenBroker

struct MintBudgetTests {
    private let now = ContinuousClock.now

    /// Spends until refused.
    private func exhaust(
        _ budget: inout MintBudget, as spender: MintBudget.Spender, at now: ContinuousClock.Instant
    ) -> Int {
        var count = 0
        while budget.spend(spender, at: now) { count += 1 }
        return count
    }

    @Test func `callers spend all but two, operators those too`() {
        var budget = MintBudget(MintBudget.Limits(burst: 10, perHour: 60), at: now)
        #expect(budget.remaining(at: now) == 10)
        let callers = exhaust(&budget, as: .caller, at: now)
        #expect(callers == 8)
        #expect(budget.remaining(at: now) == 2)
        let operators = exhaust(&budget, as: .operator, at: now)
        #expect(operators == 2)
        #expect(budget.remaining(at: now) == 0)
    }

    @Test(arguments: [(10, 6), (5, 3), (3, 1), (1, 1), (22, 15)])
    func `narrower tokens leave a quarter to default ones, which come first when the bucket fills`(
        _ burst: Int, _ narrower: Int
    ) {
        var budget = MintBudget(MintBudget.Limits(burst: burst, perHour: 60), at: now)
        var spent = exhaust(&budget, as: .narrower, at: now)
        #expect(spent == narrower)
        spent += exhaust(&budget, as: .caller, at: now)
        #expect(spent == burst - min(2, burst - 1))
        guard spent > narrower else { return }
        let late = exhaust(&budget, as: .narrower, at: now + .seconds(60))
        #expect(late == 0)
        let due = exhaust(&budget, as: .caller, at: now + .seconds(60))
        #expect(due == 1)
    }

    @Test func `the wait is exact`() {
        var budget = MintBudget(MintBudget.Limits(burst: 3, perHour: 60), at: now)
        #expect(budget.wait(for: .caller, at: now) == .zero)
        let first = exhaust(&budget, as: .caller, at: now)
        #expect(first == 1)
        #expect(budget.wait(for: .caller, at: now) == .seconds(60))
        #expect(budget.wait(for: .operator, at: now) == .zero)
        #expect(budget.wait(for: .caller, at: now + .seconds(59)) == .seconds(1))
        let early = exhaust(&budget, as: .caller, at: now + .nanoseconds(59_999_999_999))
        #expect(early == 0)
        let due = exhaust(&budget, as: .caller, at: now + .seconds(60))
        #expect(due == 1)
    }

    @Test func `the bucket fills by the hour and never above its size`() {
        var budget = MintBudget(MintBudget.Limits(burst: 5, perHour: 30), at: now)
        let spent = exhaust(&budget, as: .operator, at: now)
        #expect(spent == 5)
        #expect(budget.remaining(at: now + .seconds(119)) == 0)
        #expect(budget.remaining(at: now + .seconds(120)) == 1)
        #expect(budget.remaining(at: now + .seconds(600)) == 5)
        #expect(budget.remaining(at: now + .seconds(6000)) == 5)
    }

    @Test func `a budget of days fills by the day, and keeps a quota of burst and rate together`() {
        var budget = MintBudget(MintBudget.Limits(burst: 3, rate: 2, per: .day), at: now)
        var count = exhaust(&budget, as: .operator, at: now)
        #expect(budget.wait(for: .operator, at: now) == .seconds(43_200))
        #expect(budget.remaining(at: now + .seconds(43_199)) == 0)
        for hour in 1..<24 { count += exhaust(&budget, as: .operator, at: now + .seconds(3600 * hour)) }
        #expect(count == 4)
        count += exhaust(&budget, as: .operator, at: now + .seconds(86_400))
        #expect(count == 5)
    }

    @Test(arguments: [1, 2, 3])
    func `a small bucket still has one for callers`(_ burst: Int) {
        var budget = MintBudget(MintBudget.Limits(burst: burst, perHour: 1), at: now)
        let spent = exhaust(&budget, as: .caller, at: now)
        #expect(spent == 1)
    }

    @Test func `ukg has less of it, and the tenant decides`() {
        let ukg = Provider.ukg(baseURL: "https://apis.eu.people-doc.com", clientID: "globex")
        #expect(ukg.mintBudget == MintBudget.Limits(burst: 5, perHour: 30))
        let credential = Credential(id: "app", secret: Secret("x"))
        let own = MintBudget.Limits(burst: 7, perHour: 7)
        #expect(Tenant(name: "a", provider: ukg, credential: credential, scopes: .empty).mintBudget == ukg.mintBudget)
        #expect(
            Tenant(name: "a", provider: ukg, credential: credential, scopes: .empty, mintBudget: own).mintBudget == own)
    }

    struct Succession: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var perHour: Int
        var burst: Int
        /// Of a bucket of 10 that gets 60 an hour, from which 4 were taken.
        var remaining: Int
        var wait: Duration
    }

    @Test(arguments: [
        Succession(testDescription: "the same", perHour: 60, burst: 10, remaining: 6, wait: .zero),
        Succession(testDescription: "of no round number", perHour: 61, burst: 10, remaining: 6, wait: .zero),
        Succession(testDescription: "slower", perHour: 10, burst: 10, remaining: 6, wait: .zero),
        Succession(testDescription: "faster", perHour: 600, burst: 10, remaining: 6, wait: .zero),
        Succession(testDescription: "smaller", perHour: 60, burst: 4, remaining: 0, wait: .seconds(180)),
        Succession(testDescription: "smaller and slower", perHour: 6, burst: 4, remaining: 0, wait: .seconds(1800)),
        Succession(testDescription: "bigger and faster", perHour: 3600, burst: 100, remaining: 96, wait: .zero),
    ])
    func `of other limits as many mints are owed`(_ succession: Succession) {
        let limits = MintBudget.Limits(burst: 10, perHour: 60)
        var before = MintBudget(limits, at: now)
        before.take(4, at: now)
        var budget = MintBudget(MintBudget.Limits(burst: succession.burst, perHour: succession.perHour), at: now)
        budget.restore(debt: before.debt(at: now), by: limits.interval, from: now)
        #expect(budget.remaining(at: now) == succession.remaining)
        #expect(budget.wait(for: .caller, at: now) == succession.wait)
    }
}
