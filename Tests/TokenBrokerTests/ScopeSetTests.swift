import Testing

@testable import TokenBroker

struct ScopeSetTests {
    struct Text: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var scopes: [String]?
        var testDescription: String { name }
    }

    @Test(arguments: [
        Text(name: "nothing", text: "", scopes: []), Text(name: "spaces", text: "  ", scopes: []),
        Text(name: "sorted, without repeats", text: "b  a b", scopes: ["a", "b"]),
        Text(name: "case matters", text: "a A", scopes: ["A", "a"]),
        Text(name: "every edge of the grammar", text: "! # [ ] ~", scopes: ["!", "#", "[", "]", "~"]),
        Text(name: "double quote", text: "a\""), Text(name: "backslash", text: "a\\"), Text(name: "tab", text: "a\tb"),
        Text(name: "DEL", text: "a\u{7F}"), Text(name: "line feed", text: "a\nb"),
        Text(name: "beyond ASCII", text: "ä"),
    ])
    func `a text is read as RFC 6749 has it`(_ example: Text) {
        #expect(ScopeSet(parsing: example.text)?.scopes == example.scopes)
    }

    @Test func `an empty scope is none`() {
        #expect(ScopeSet([""]) == nil)
        #expect(ScopeSet(["a b"]) == nil)
    }

    struct Pair: Sendable, CustomTestStringConvertible {
        var one: String
        var other: String
        var isSubset: Bool
        var common: String
        var testDescription: String { "{\(one)} in {\(other)}" }
    }

    @Test(arguments: [
        Pair(one: "", other: "", isSubset: true, common: ""), Pair(one: "", other: "a", isSubset: true, common: ""),
        Pair(one: "a", other: "", isSubset: false, common: ""), Pair(one: "a", other: "a", isSubset: true, common: "a"),
        Pair(one: "c a", other: "d c b a", isSubset: true, common: "a c"),
        Pair(one: "a d", other: "a b c", isSubset: false, common: "a"),
        Pair(one: "b", other: "a c", isSubset: false, common: ""),
        Pair(one: "a", other: "A ab", isSubset: false, common: ""),
    ])
    func `subset and intersection`(_ pair: Pair) {
        let (one, other) = (ScopeSet.of(pair.one), ScopeSet.of(pair.other))
        #expect(one.isSubset(of: other) == pair.isSubset)
        #expect(one.intersection(other).description == pair.common)
    }
}
