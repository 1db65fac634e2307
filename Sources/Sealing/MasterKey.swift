import Crypto
import Encodings

/// The key that every other is derived from: 32 random bytes, written `twm_` and base64url (RFC 4648 §5).
///
/// It prints as `<master key …>` with its id, however it is printed, and is read only by asking for it.
package struct MasterKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private static let prefix = "twm_"
    private static let byteCount = 32

    private let key: SymmetricKey
    /// What it is called, and what everything that it sealed says it needs.
    package let id: KeyID

    private init(_ key: SymmetricKey) {
        self.key = key
        id = Self.derive(from: key, "key id", byteCount: 4).withUnsafeBytes { KeyID($0) }
    }

    /// The key that has those bytes.
    init(bytes: [UInt8]) { self.init(SymmetricKey(data: bytes)) }

    /// A new key, from the system's random numbers.
    package static func generate() -> MasterKey { MasterKey(SymmetricKey(size: .bits256)) }

    /// Reads a key as ``reveal()`` writes it, and nothing else: no space, padding or line's end.
    package init(parsing text: String) throws(MasterKeyError) {
        guard text.hasPrefix(Self.prefix) else { throw .noPrefix }
        guard let bytes = Base64URL.decode(String(text.dropFirst(Self.prefix.count))) else { throw .notBase64URL }
        guard bytes.count == Self.byteCount else { throw .wrongLength }
        self.init(bytes: bytes)
    }

    /// The key itself, for the one place that hands it over.
    package func reveal() -> String { key.withUnsafeBytes { Self.prefix + Base64URL.encode($0) } }

    /// A key for one use, from which neither this one nor that for another use can be told.
    func derive(_ use: String) -> SymmetricKey { Self.derive(from: key, use, byteCount: Self.byteCount) }

    /// HKDF-SHA256 (RFC 5869) without salt, as the key is random already.
    private static func derive(from key: SymmetricKey, _ use: String, byteCount: Int) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key, info: Array("tokenwell/1/\(use)".utf8), outputByteCount: byteCount)
    }

    package var description: String { "<master key \(id)>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text is no master key; the text itself is not told.
package enum MasterKeyError: Error, Hashable, Sendable {
    /// It does not begin with `twm_`.
    case noPrefix
    /// What follows is not base64url without padding.
    case notBase64URL
    /// What follows is not 32 bytes, which are 43 characters.
    case wrongLength
}
