import Testing

@testable import HTTP

struct BodyBudgetTests {
    @Test func `what is set aside is given back when its share goes`() {
        let budget = BodyBudget(limit: 100)
        let first = budget.share(of: 60)
        #expect(first != nil)
        #expect(budget.share(of: 41) == nil)
        do {
            let second = budget.share(of: 40)
            #expect(second != nil && budget.used == 100)
        }
        withExtendedLifetime(first) { #expect(budget.used == 60) }
    }
}
