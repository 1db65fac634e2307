import Sealing
import Testing
import TokenBroker

@testable import Service

struct SealedSecretTests {
    private let ring = KeyRing(active: .generate())

    @Test(arguments: [1, 17, SealedSecret.maximumCount])
    func `a secret opens in its place, from a text that the configuration takes`(_ count: Int) throws {
        let place = try #require(SecretPlace(tenant: "acme", field: "client_secret"))
        let secret = String(repeating: "s", count: count)
        let text = SealedSecret(Secret(secret), for: place, with: ring).text
        #expect(text.hasPrefix("tw1") && text.utf8.count <= 4096)
        let sealed = try #require(SealedSecret(parsing: text))
        #expect(try sealed.open(for: place, with: ring).plain == Array(secret.utf8))
    }

    @Test(arguments: ["", "tw", "TW1AA", "tw2AA", " tw1AA", "tw1AA==", "tw1A", "tw1A/"])
    func `anything else is not sealed`(_ text: String) {
        #expect(SealedSecret(parsing: text) == nil)
    }

    @Test(arguments: [
        ("acme", "client_secret", true), ("acme", "client_secret_next", true), ("acme", "application_secret", true),
        ("acme", "application_secret_next", true), ("a.b-c_1", "headers.X-Api-Key", true),
        ("acme", "parameters.resource[1]", true), ("acme", "parameters.a.b", true),
        ("acme", "parameters." + String(repeating: "x", count: 128), true),
        ("acme", "parameters." + String(repeating: "x", count: 129), false),
        ("", "client_secret", false), ("Acme", "client_secret", false), ("acme", "", false),
        ("acme", "client_secrte", false), ("acme", "headers.", false), ("acme", "headers", false),
        ("acme", "headers.a b", false), ("acme", "headers.\u{E9}", false), ("acme", "client_id", false),
    ])
    func `a place is a tenant's name and a field that takes a secret`(_ tenant: String, _ field: String, _ isOne: Bool)
    {
        #expect((SecretPlace(tenant: tenant, field: field) != nil) == isOne)
    }
}
