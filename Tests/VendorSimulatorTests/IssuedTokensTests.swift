import Foundation
import Testing

@testable import VendorSimulator

struct IssuedTokensTests {
    private let start = Date(timeIntervalSince1970: 0)

    private func token(_ text: String, for purpose: String = "read", until seconds: TimeInterval) -> IssuedToken {
        IssuedToken(text: text, purpose: purpose, expires: start + seconds)
    }

    @Test func `a token is good before its expiry and dead at it`() {
        var tokens = IssuedTokens()
        tokens.insert(token("a", until: 300), of: "acme", at: start)
        #expect(tokens.owner(of: "a", at: start + 299.999) == "acme")
        #expect(tokens.owner(of: "a", at: start + 300) == nil)
        #expect(tokens.owner(of: "b", at: start) == nil)
    }

    @Test func `a client's newest token is found by its purpose`() {
        var tokens = IssuedTokens()
        tokens.insert(token("a", until: 300), of: "acme", at: start)
        tokens.insert(token("b", until: 310), of: "acme", at: start + 10)
        tokens.insert(token("c", for: "write", until: 320), of: "acme", at: start + 20)
        tokens.insert(token("d", until: 330), of: "globex", at: start + 30)
        #expect(tokens.latest(of: "acme", for: "read", at: start + 40)?.text == "b")
        #expect(tokens.latest(of: "acme", for: "read", at: start + 310) == nil)
    }

    @Test func `only its own client can kill a token`() {
        var tokens = IssuedTokens()
        tokens.insert(token("a", until: 300), of: "acme", at: start)
        tokens.remove("a", of: "globex")
        #expect(tokens.owner(of: "a", at: start) == "acme")
        tokens.remove("a", of: "acme")
        #expect(tokens.owner(of: "a", at: start) == nil)
    }

    @Test func `a purge kills all of one client's tokens`() {
        var tokens = IssuedTokens()
        tokens.insert(token("a", until: 10), of: "acme", at: start)
        tokens.insert(token("b", until: 300), of: "acme", at: start)
        tokens.insert(token("c", until: 300), of: "globex", at: start)
        #expect(tokens.removeAll(of: "acme", at: start + 10) == 1)
        #expect(tokens.owner(of: "b", at: start + 10) == nil)
        #expect(tokens.owner(of: "c", at: start + 10) == "globex")
    }

    @Test func `the oldest token dies when a client has too many`() {
        var tokens = IssuedTokens()
        for index in 0...IssuedTokens.limit {
            tokens.insert(token("t\(index)", until: 300), of: "acme", at: start)
        }
        #expect(tokens.count(of: "acme", at: start) == IssuedTokens.limit)
        #expect(tokens.owner(of: "t0", at: start) == nil)
        #expect(tokens.owner(of: "t1", at: start) == "acme")
    }
}
