import HTTP
package import TokenBroker

/// An internal service that asks for tokens.
package struct Caller: Hashable, Sendable {
    /// Its id where the protocol wants one, see ``isName(_:)``.
    package var name: String
    /// One, or two while it changes from one key to the next.
    package var keys: [KeyDigest]
    package var grant: Grant

    package init(name: String, keys: [KeyDigest], grant: Grant) {
        self.name = name
        self.keys = keys
        self.grant = grant
    }

    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isASCIILetter || first.isASCIIDigit else { return false }
        return text.utf8.count <= 63 && Printable.isWord(text)
    }
}
