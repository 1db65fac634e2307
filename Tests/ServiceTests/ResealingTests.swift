import Sealing
import Testing
import TokenBroker

@testable import Service

struct ResealingTests {
    private let old = MasterKey.generate()
    private let new = MasterKey.generate()
    private var ring: KeyRing { KeyRing(active: new, previous: old) }

    private func sealed(_ text: String, _ tenant: String, _ field: String, by key: MasterKey) -> String {
        let place = SecretPlace(inConfigurationOf: tenant, field: field)
        return SealedSecret(Secret(text), for: place, with: KeyRing(active: key)).text
    }

    private func reseal(_ text: String, _ layout: Resealing.Layout = .whole) throws -> (text: String, count: Int) {
        let resealing = try Resealing(of: Array(text.utf8), named: "a.yaml", layout, with: ring)
        return (String(decoding: resealing.bytes, as: UTF8.self), resealing.replacements.count)
    }

    private func mistakes(_ text: String) throws -> [String] {
        try #require(throws: ConfigurationErrors.self) { try reseal(text) }.mistakes.map(\.description)
    }

    /// A file, with secrets in every place that may have one.
    private func file(by key: MasterKey) -> String {
        """
        # acme's was tw1 before  \u{E9}\r
        tenants:
          acme:
            client_secret:   { sealed: '\(sealed("one", "acme", "client_secret", by: key))' }   # ours
            provider: anything
            parameters:
              resource: [{sealed: \(sealed("two", "acme", "parameters.resource[0]", by: key))}, plain]
          globex: {headers: {X-Api-Key: {"sealed": "\(sealed("three", "globex", "headers.X-Api-Key", by: key))"}}}
        """
    }

    @Test func `what the previous key sealed is sealed by the active one, and all else is as it was`() throws {
        let text = file(by: old)
        let resealed = try reseal(text)
        #expect(resealed.count == 3)
        let word = /tw1[A-Za-z0-9_-]{40,}/
        #expect(resealed.text.replacing(word, with: "*") == text.replacing(word, with: "*"))
        // With the new key alone nothing is left to do, and nothing fails to open.
        let again = try Resealing(
            of: Array(resealed.text.utf8), named: "a.yaml", .whole, with: KeyRing(active: new, previous: nil))
        #expect(again.replacements.isEmpty)
        #expect(String(decoding: again.bytes, as: UTF8.self) == resealed.text)
    }

    @Test func `what the active key sealed stays`() throws {
        let text = file(by: new)
        #expect(try reseal(text) == (text, 0))
    }

    @Test func `a file of tenants has them at its root`() throws {
        let text = "acme: {client_secret: {sealed: \(sealed("s", "acme", "client_secret", by: old))}}"
        #expect(try reseal(text, .tenants).count == 1)
        #expect(try reseal(text).count == 0)
    }

    @Test func `a file without tenants stays`() throws {
        #expect(try reseal("listen: 127.0.0.1:1") == ("listen: 127.0.0.1:1", 0))
    }

    @Test func `what does not open is a mistake`() throws {
        let moved = sealed("s", "globex", "client_secret", by: old)
        #expect(
            try mistakes("tenants:\n  acme: {client_secret: {sealed: \(moved)}}") == [
                "a.yaml:2: tenants.acme.client_secret.sealed: is not sealed for this tenant and field, or is damaged; "
                    + "seal it by tokenwell seal --tenant acme --field client_secret"
            ])
        #expect(try mistakes("tenants: [\n").first?.hasPrefix("a.yaml:2: not YAML: ") == true)
    }

    @Test func `what is not written in one piece is a mistake`() throws {
        let text = sealed("s", "acme", "client_secret", by: old)
        let escaped = "\"\\x74" + text.dropFirst() + "\""
        #expect(
            try mistakes("tenants: {acme: {client_secret: {sealed: \(escaped)}}}") == [
                "a.yaml:1: has a sealed secret that is not written in one piece; write each on one line"
            ])
    }
}
