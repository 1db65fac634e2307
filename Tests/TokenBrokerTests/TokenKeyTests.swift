import Testing

@testable import TokenBroker

struct TokenKeyTests {
    @Test func `nothing of it is aligned to more than async frames are`() {
        #expect(MemoryLayout<TokenKey>.alignment <= 16)
        #expect(MemoryLayout<Digest256>.alignment <= 16)
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var name: String
        var make: @Sendable (inout Tenant) -> Void
        var testDescription: String { name }
    }

    private static let providerChanges: [Change] = [
        Change(name: "name") { $0.provider.name += "x" },
        Change(name: "tokenURL") { $0.provider.tokenURL += "x" },
        Change(name: "revocationURL") { $0.provider.revocationURL = "" },
        Change(name: "clientAuthentication") { $0.provider.clientAuthentication = .basicRaw },
        Change(name: "revocationAuthentication") { $0.provider.revocationAuthentication = .body },
        Change(name: "clientIDName") { $0.provider.clientIDName += "x" },
        Change(name: "clientSecretName") { $0.provider.clientSecretName += "x" },
        Change(name: "assertionAudience") { $0.provider.assertionAudience = "" },
        Change(name: "assertionKeyID") { $0.provider.assertionKeyID = "" },
        Change(name: "method") { $0.provider.method = .get },
        Change(name: "grantType") { $0.provider.grantType = nil },
        Change(name: "headers") { $0.provider.headers = [.init("a", ["b"])] },
        Change(name: "answer") { $0.provider.answer.format = .form },
        Change(name: "tokenType") { $0.provider.tokenType = "" },
        Change(name: "fixedLifetime") { $0.provider.fixedLifetime = .zero },
        Change(name: "failures") { $0.provider.failures = ["http_403": .throttled] },
        Change(name: "bodyFormat") { $0.provider.bodyFormat = .json },
        Change(name: "parameters") { $0.provider.parameters = [] },
        Change(name: "scopeSeparator") { $0.provider.scopeSeparator = "," },
        Change(name: "defaultLifetime") { $0.provider.defaultLifetime += .milliseconds(1) },
        Change(name: "mintBudget") { $0.provider.mintBudget.rate += 1 },
    ]

    private static let answerChanges: [Change] = [
        Change(name: "format") { $0.provider.answer.format = .token },
        Change(name: "accessToken") { $0.provider.answer.accessToken += "x" },
        Change(name: "tokenType") { $0.provider.answer.tokenType += "x" },
        Change(name: "expiresIn") { $0.provider.answer.expiresIn += "x" },
        Change(name: "expiresInUnit") { $0.provider.answer.expiresInUnit = .milliseconds },
        Change(name: "scope") { $0.provider.answer.scope += "x" },
        Change(name: "error") { $0.provider.answer.error += "x" },
        Change(name: "members") { $0.provider.answer.members = ["x"] },
    ]

    private static let otherChanges: [Change] = [
        Change(name: "tenant") { $0.name += "x" },
        Change(name: "credential id") { $0.credential.id += "x" },
    ]

    private static var tenant: Tenant {
        var tenant = Tenant.example()
        tenant.provider.parameters = [Provider.Parameter("resource", ["a", "b"])]
        return tenant
    }

    @Test(arguments: providerChanges + answerChanges + otherChanges)
    func `a token of another tenant, provider or credential is another`(_ change: Change) {
        var changed = Self.tenant
        change.make(&changed)
        #expect(TenantIdentity(changed) != TenantIdentity(Self.tenant))
    }

    @Test func `another secret makes no other token`() {
        var changed = Self.tenant
        changed.credential.secret = Secret("other")
        #expect(TenantIdentity(changed) == TenantIdentity(Self.tenant))
    }

    @Test func `every setting of a provider counts`() {
        let settings = Mirror(reflecting: Self.tenant.provider).children.compactMap(\.label)
        #expect(Set(settings) == Set(Self.providerChanges.map(\.name)))
        let members = Mirror(reflecting: Self.tenant.provider.answer).children.compactMap(\.label)
        #expect(Set(members) == Set(Self.answerChanges.map(\.name)))
    }

    @Test func `no two failures that are told apart collide`() {
        let failures: [[String: Provider.FailureClass]] = [
            ["a": .rejected], ["a": .throttled], ["a": .rejected, "b": .rejected], ["ar": .rejected], [:],
        ]
        let identities = failures.map { failures in
            var tenant = Self.tenant
            tenant.provider.failures = failures
            return TenantIdentity(tenant)
        }
        #expect(Set(identities).count == failures.count)
    }

    @Test func `the same tenant has the same identity`() {
        #expect(TenantIdentity(Self.tenant) == TenantIdentity(Self.tenant))
    }

    @Test func `no two ways to divide a text over the fields collide`() {
        let text = Array("a|b,c;d")
        var identities: Set<TenantIdentity> = []
        var count = 0
        for first in 0...text.count {
            for second in first...text.count {
                var tenant = Self.tenant
                tenant.provider.name = String(text[..<first])
                tenant.provider.tokenURL = String(text[first..<second])
                tenant.provider.revocationURL = String(text[second...])
                identities.insert(TenantIdentity(tenant))
                count += 1
            }
        }
        #expect(identities.count == count)
    }

    @Test func `no two shapes of the same parameters collide`() {
        let shapes: [[Provider.Parameter]] = [
            [], [.init("a", [])], [.init("a", ["b"])], [.init("ab", [])], [.init("", ["ab"])], [.init("a", ["b", ""])],
            [.init("a", []), .init("b", [])], [.init("a", ["b", "c"])], [.init("a", ["b"]), .init("c", [])],
            [.init("a", ["bc"])], [.init("a", ["c", "b"])],
        ]
        let identities = shapes.map { parameters in
            var tenant = Self.tenant
            tenant.provider.parameters = parameters
            return TenantIdentity(tenant)
        }
        #expect(Set(identities).count == shapes.count)
    }

    // What a store holds is found by it, whichever version wrote that.
    @Test func `a tenant is the same in every version`() {
        var tenant = Self.tenant
        tenant.provider.clientAuthentication = .privateKeyJWT
        tenant.provider.revocationAuthentication = .basicRaw
        tenant.provider.bodyFormat = .query
        tenant.provider.answer.format = .form
        tenant.provider.answer.expiresInUnit = .unixMilliseconds
        tenant.provider.failures = ["http_403": .throttled, "nope": .rejected, "off": .unavailable]
        #expect(TenantIdentity(tenant).digest.prefix == 12_232_123_190_043_693_504)
    }

    @Test func `a secret moved into the id collides with nothing`() {
        var one = Self.tenant
        var other = Self.tenant
        one.credential = Credential(id: "ab", secret: Secret("c"))
        other.credential = Credential(id: "a", secret: Secret("bc"))
        #expect(TenantIdentity(one) != TenantIdentity(other))
    }

    @Test func `the order of scopes does not matter, their division does`() {
        let identity = TenantIdentity(Self.tenant)
        let key = { (scopes: String) in TokenKey(tenant: identity, scopes: .of(scopes)) }
        #expect(key("b a") == key("a b a"))
        #expect(key("b a").hashValue == key("a b").hashValue)
        #expect(Set([key(""), key("a"), key("ab"), key("a b"), key("a|b"), key("A")]).count == 6)
    }

    @Test func `the same scopes of another tenant are another key`() {
        let other = TenantIdentity(.example("other"))
        #expect(
            TokenKey(tenant: TenantIdentity(Self.tenant), scopes: .empty) != TokenKey(tenant: other, scopes: .empty))
    }
}
