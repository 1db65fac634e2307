import Crypto

/// Something sealed, taken apart but not opened.
///
/// | bytes | what                                           |
/// |-------|------------------------------------------------|
/// | 1     | version of this format: 1                      |
/// | 4     | id of the master key                           |
/// | 24    | salt, random for every message                 |
/// | any   | ciphertext of AES-256-GCM (NIST SP 800-38D)    |
/// | 16    | tag of it                                      |
///
/// HKDF is RFC 5869's with SHA-256, without salt where none is named; `tokenwell/1/…` is ASCII:
///
///     key id       = HKDF(master key, info "tokenwell/1/key id", 4 bytes)
///     purpose key  = HKDF(master key, info "tokenwell/1/<purpose>", 32 bytes)
///     key | nonce  = HKDF-Expand(purpose key, info "tokenwell/1/<purpose>/message" | salt, 32 + 12 bytes)
///     AAD          = version | key id | the purpose's number, 1 byte | each field of the context
///     a field      = its length, 4 bytes, highest first | its bytes
///     blinded name = first 16 bytes of HMAC-SHA256(purpose key for "name", each field)
///
/// Every message has a key and a nonce of its own. Under one key, random nonces of 96 bits may repeat after 2^32 messages
/// with a chance that GCM does not bear, as two messages under one nonce give both away; stores restored from a backup
/// rule out counters. Salts of 192 bits do not repeat.
///
/// A context says where what is sealed belongs, so that it does not open anywhere else. Lengths keep fields apart: bytes
/// that move from one to the next make another context.
///
/// `SealedTests` has vectors, and how to recompute them without this code.
struct Sealed {
    static let version: UInt8 = 1
    static let saltCount = 24
    static let tagCount = 16
    private static let headCount = 1 + 4 + saltCount

    let keyID: KeyID
    let salt: ArraySlice<UInt8>
    let ciphertext: ArraySlice<UInt8>
    let tag: ArraySlice<UInt8>

    /// Takes `bytes` apart.
    init(parsing bytes: ArraySlice<UInt8>) throws(SealError) {
        guard let version = bytes.first else { throw .tooShort }
        guard version == Self.version else { throw .unknownVersion(version) }
        guard bytes.count >= Self.headCount + Self.tagCount else { throw .tooShort }
        keyID = KeyID(bytes.dropFirst().prefix(4))
        salt = bytes.prefix(Self.headCount).suffix(Self.saltCount)
        ciphertext = bytes.dropFirst(Self.headCount).dropLast(Self.tagCount)
        tag = bytes.suffix(Self.tagCount)
    }

    /// What ``init(parsing:)`` takes apart.
    static func bytes(keyID: KeyID, salt: [UInt8], box: AES.GCM.SealedBox) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headCount + box.ciphertext.count + tagCount)
        bytes.append(version)
        bytes.append(contentsOf: keyID.bytes)
        bytes.append(contentsOf: salt)
        bytes.append(contentsOf: box.ciphertext)
        bytes.append(contentsOf: box.tag)
        return bytes
    }

    /// Everything that a message is bound to.
    static func authenticated(keyID: KeyID, purpose: Purpose, context: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(6 + context.reduce(0) { $0 + 4 + $1.count })
        bytes.append(version)
        withUnsafeBytes(of: keyID.number.bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(purpose.rawValue)
        append(context, to: &bytes)
        return bytes
    }

    /// The fields of a context, each with its length before it.
    static func joined(_ fields: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(fields, to: &bytes)
        return bytes
    }

    private static func append(_ fields: [[UInt8]], to bytes: inout [UInt8]) {
        for field in fields {
            withUnsafeBytes(of: UInt32(field.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: field)
        }
    }
}

/// Why something sealed was not opened.
package enum SealError: Error, Hashable, Sendable {
    /// There are fewer bytes than an empty message has.
    case tooShort
    /// It is of a format that this version does not know.
    case unknownVersion(UInt8)
    /// The ring does not have the master key that it was sealed with.
    case unknownKey(KeyID)
    /// It was changed, or was sealed for another purpose or context.
    case doesNotOpen
}
