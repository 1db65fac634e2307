import Encodings
package import Sealing
package import TokenBroker

/// A secret as the configuration may hold it: `tw1`, and what a ``KeyRing`` sealed in base64url (RFC 4648 §5).
package struct SealedSecret {
    /// Bytes of the longest secret that can be sealed: its text has no more than the 4096 of a text in the configuration.
    package static let maximumCount = 3024
    static let prefix = "tw1"

    private let bytes: [UInt8]

    /// Seals with the ring's active key.
    package init(_ secret: Secret, for place: SecretPlace, with ring: KeyRing) {
        bytes = ring.seal(Array(secret.reveal().utf8), for: .configuration, context: place.context)
    }

    /// Reads what ``text`` gives; nil for anything else.
    init?(parsing text: String) {
        guard text.hasPrefix(Self.prefix), let bytes = Base64URL.decode(String(text.dropFirst(Self.prefix.count)))
        else { return nil }
        self.bytes = bytes
    }

    /// What stands in the configuration.
    package var text: String { Self.prefix + Base64URL.encode(bytes) }

    /// Opens it in its place with either key.
    func open(for place: SecretPlace, with ring: KeyRing) throws(SealError) -> KeyRing.Opened {
        try ring.open(bytes[...], for: .configuration, context: place.context)
    }
}
