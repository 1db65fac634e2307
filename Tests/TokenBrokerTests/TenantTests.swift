import Testing
import TokenBroker

struct TenantTests {
    @Test(arguments: ["a", "0", "acme", "a.b_c-d", String(repeating: "a", count: 63)])
    func `a slug is a name`(_ text: String) { #expect(Tenant.isName(text)) }

    @Test(arguments: ["", "-a", ".a", "_a", "A", "a b", "a/b", "a\n", "ä", String(repeating: "a", count: 64)])
    func `anything else is none`(_ text: String) { #expect(!Tenant.isName(text)) }
}
