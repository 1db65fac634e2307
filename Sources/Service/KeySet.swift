import Encodings
import Signatures

/// The keys of an issuer that can be used here (RFC 7517 §5): at most 100.
///
/// Keys of other kinds and for other purposes are left out, as §5 has it: RSA of 2048 to 8192 bits, P-256 and Ed25519 are
/// taken, each for its one algorithm. A private key in a set is not read.
struct KeySet: Sendable {
    /// What is no key set.
    struct Unusable: Error, Equatable {
        /// A clause that follows the source's name.
        let reason: String
    }

    /// What a JWT's key and signature are found to be.
    enum Verdict { case valid, unknownKey, wrongSignature }

    private struct Key {
        let id: String?
        let key: PublicKey
    }

    private static let maximumCount = 100
    private let keys: [Key]

    /// Reads the keys, and sees that each can be used.
    init(parsing bytes: [UInt8]) async throws(Unusable) {
        var keys: [Key] = []
        for (id, members) in try Self.members(of: bytes) {
            guard let key = await PublicKey(members) else { continue }
            keys.append(Key(id: id, key: key))
        }
        self.keys = keys
    }

    /// Whether no JWT can be verified by it: what an issuer says that has withdrawn its keys.
    var isEmpty: Bool { keys.isEmpty }

    /// Throws what is wrong with a set as far as that can be told without its keys being used.
    static func check(_ bytes: [UInt8]) throws(Unusable) {
        if try members(of: bytes).isEmpty { throw Unusable(reason: "has no key that can be used") }
    }

    /// Whether a key of the set has signed the JWT.
    ///
    /// A JWT without a `kid` is held against the only key of a set that has no other; a key without one likewise.
    func verdict(on jwt: JWT) -> Verdict {
        let candidates = keys.filter { key in
            let isMeant = Self.areSame(key.id, jwt.keyID) || keys.count == 1 && (key.id == nil || jwt.keyID == nil)
            return isMeant && key.key.algorithm == jwt.algorithm
        }
        guard let key = candidates.first else { return .unknownKey }
        if key.key.verifies(jwt.signature, of: jwt.signed) { return .valid }
        // Without its name another may have taken its place.
        return jwt.keyID == nil || key.id == nil ? .unknownKey : .wrongSignature
    }

    /// Byte for byte: `==` takes canonically equivalent texts for one.
    private static func areSame(_ one: String?, _ other: String?) -> Bool {
        one.map { Array($0.utf8) } == other.map { Array($0.utf8) }
    }

    private static func members(of bytes: [UInt8]) throws(Unusable) -> [(String?, PublicKey.Members)] {
        guard case .object(let set) = JSONDocument(parsing: bytes), case .array(let items) = set["keys"] else {
            throw Unusable(reason: "is not a JSON Web Key Set")
        }
        guard items.count <= maximumCount else { throw Unusable(reason: "has more than \(maximumCount) keys") }
        return items.compactMap(member)
    }

    private static func member(_ item: JSONDocument) -> (String?, PublicKey.Members)? {
        guard case .object(let members) = item, isForSignatures(members),
            let key = key(members.compactMapValues(\.text))
        else { return nil }
        let named = members["alg"]
        guard named == nil || named?.text == key.algorithm.rawValue else { return nil }
        return (members["kid"]?.text, key)
    }

    /// `use` and `key_ops` (RFC 7517 §4.2, §4.3).
    private static func isForSignatures(_ members: [String: JSONDocument]) -> Bool {
        if let use = members["use"], use.text != "sig" { return false }
        guard let operations = members["key_ops"] else { return true }
        guard case .array(let items) = operations else { return false }
        return items.contains(.string("verify"))
    }

    /// The key's own members, their sizes checked (RFC 7518 §6, RFC 8037 §2).
    private static func key(_ members: [String: String]) -> PublicKey.Members? {
        switch (members["kty"], members["crv"]) {
        case ("RSA", _):
            guard let (n, bytes) = number(members["n"], 256...1024), bytes.first ?? 0 >= 0x80 || bytes.count > 256,
                let (e, _) = number(members["e"], 1...4)
            else { return nil }
            return .rsa(n: n, e: e)
        case ("EC", "P-256"):
            guard let (x, _) = number(members["x"], 32...32), let (y, _) = number(members["y"], 32...32) else {
                return nil
            }
            return .p256(x: x, y: y)
        case ("OKP", "Ed25519"):
            return number(members["x"], 32...32).map { .ed25519(x: $0.0) }
        default:
            return nil
        }
    }

    private static func number(_ text: String?, _ count: ClosedRange<Int>) -> (String, [UInt8])? {
        guard let text, let bytes = Base64URL.decode(text), count.contains(bytes.count) else { return nil }
        return (text, bytes)
    }
}
