import Crypto
import Encodings
import TokenBroker

/// What a caller proves itself by: `tw_` and 32 random bytes in base64url (RFC 4648 §5).
///
/// Only unreserved characters, since most OAuth clients do not form-encode what they send by HTTP Basic.
package struct CallerKey: Sendable {
    private let secret: Secret

    /// A new key.
    ///
    /// - Parameter generator: A cryptographically secure one, but in tests.
    package init(using generator: inout some RandomNumberGenerator) {
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        secret = Secret("tw_" + Base64URL.encode(bytes))
    }

    /// The key itself, for the one place that hands it over.
    package func reveal() -> String { secret.reveal() }

    /// What the configuration has of it.
    package var digest: KeyDigest { KeyDigest(of: secret.reveal()) }
}

/// The SHA-256 of a caller's key: all that the broker knows of it.
package struct KeyDigest: Hashable, Sendable, CustomStringConvertible {
    private let digest: Digest256

    /// The digest of what a caller sent.
    package init(of key: String) { self.init(of: Array(key.utf8)[...]) }

    /// The digest of what a caller sent.
    init(of key: ArraySlice<UInt8>) { digest = Digest256(SHA256.hash(data: key)) }

    /// Reads `sha256:` and 64 hex digits; nil for anything else.
    package init?(parsing text: String) {
        guard text.hasPrefix("sha256:"), let digest = Digest256(hex: text.dropFirst(7)) else { return nil }
        self.digest = digest
    }

    /// `sha256:` and 64 hex digits, as in the configuration.
    package var description: String { "sha256:" + digest.hex }
}
