import Testing

@testable import TokenBroker

struct GrantTests {
    struct Pattern: Sendable, CustomTestStringConvertible {
        var text: String
        var matching: [String]
        var others: [String]
        var testDescription: String { text }
    }

    @Test(arguments: [
        Pattern(text: "acme", matching: ["acme"], others: ["acme2", "acm", "ACME", ""]),
        Pattern(text: "eu-*", matching: ["eu-", "eu-acme"], others: ["eu", "us-acme", "xeu-acme"]),
        Pattern(text: "*", matching: ["acme", "eu-acme"], others: []),
    ])
    func `a pattern matches exactly or by prefix`(_ pattern: Pattern) throws {
        let grant = Grant(tenants: [try #require(Grant.TenantPattern(pattern.text))])
        for tenant in pattern.matching { #expect(grant.allows(tenant), "\(tenant)") }
        for tenant in pattern.others { #expect(!grant.allows(tenant), "\(tenant)") }
    }

    @Test(arguments: ["", "**", "*a", "a*b", "A*", "ä", "-*"])
    func `anything else is no pattern`(_ text: String) {
        #expect(Grant.TenantPattern(text) == nil)
    }

    @Test func `only operators and grants of everything see every tenant`() {
        #expect(Grant(tenants: [.prefix("")]).seesEveryTenant)
        #expect(Grant(tenants: [], isOperator: true).seesEveryTenant)
        #expect(!Grant(tenants: [.prefix("a"), .exact("b")], mayRevoke: true).seesEveryTenant)
    }
}
