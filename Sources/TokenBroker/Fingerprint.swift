import Crypto

/// The first 16 hex digits of a SHA-256: the only form in which a token or secret may appear in a log, a metric or a page.
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// The fingerprint of a token or secret.
    package init(of text: String) {
        self.text = String(Digest256(SHA256.hash(data: Array(text.utf8))).hex.prefix(16))
    }

    package var description: String { text }
}
