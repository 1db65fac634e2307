/// A set of scope tokens (RFC 6749 §3.3): case-sensitive, order irrelevant, kept sorted and without repeats.
package struct ScopeSet: Hashable, Sendable, CustomStringConvertible {
    package let scopes: [String]

    package static let empty = ScopeSet(unchecked: [])

    /// nil when a scope is empty or holds a character outside RFC 6749 appendix A.4.
    package init?(_ scopes: some Sequence<String>) {
        let scopes = Array(scopes)
        guard scopes.allSatisfy(Self.isScope) else { return nil }
        self.scopes = scopes.count > 1 ? Set(scopes).sorted() : scopes
    }

    /// Reads a space-delimited list; the empty text is the empty set.
    package init?(parsing text: String) {
        self.init(text.split(separator: " ", omittingEmptySubsequences: true).map(String.init))
    }

    private init(unchecked scopes: [String]) { self.scopes = scopes }

    package var isEmpty: Bool { scopes.isEmpty }

    /// Whether every scope is one of `other`'s.
    func isSubset(of other: ScopeSet) -> Bool {
        var rest = other.scopes[...]
        return scopes.allSatisfy { scope in
            while let next = rest.first, next < scope { rest.removeFirst() }
            return rest.first == scope
        }
    }

    /// The scopes that both have.
    func intersection(_ other: ScopeSet) -> ScopeSet {
        let wanted = Set(other.scopes)
        return ScopeSet(unchecked: scopes.filter(wanted.contains))
    }

    /// Space-delimited, sorted.
    package var description: String { scopes.joined(separator: " ") }

    /// Whether it is one scope: not empty, and without a character outside RFC 6749 appendix A.4.
    package static func isScope(_ scope: String) -> Bool {
        !scope.isEmpty
            && scope.utf8.allSatisfy { $0 == 0x21 || (0x23...0x5B).contains($0) || (0x5D...0x7E).contains($0) }
    }
}
