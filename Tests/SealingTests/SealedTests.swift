import Testing

@testable import Sealing

/// The format, by messages that other code sealed.
///
/// They are of Python's `hashlib`, `hmac` and `cryptography`, whose AESGCM(key).encrypt(nonce, plain, aad) gives the
/// ciphertext and the tag:
///
///     def expand(prk, info, n):
///         out = t = b""
///         while len(out) < n:
///             t = hmac.digest(prk, t + info + bytes([len(out) // 32 + 1]), "sha256")
///             out += t
///         return out[:n]
///
///     def hkdf(master, info, n): return expand(hmac.digest(bytes(32), master, "sha256"), info, n)
///
///     def seal(master, purpose, number, context, salt, plain):
///         head = b"\1" + hkdf(master, b"tokenwell/1/key id", 4)
///         key = expand(hkdf(master, b"tokenwell/1/" + purpose, 32), b"tokenwell/1/" + purpose + b"/message" + salt, 44)
///         aad = head + bytes([number]) + b"".join(len(f).to_bytes(4, "big") + f for f in context)
///         return head + salt + AESGCM(key[:32]).encrypt(key[32:], plain, aad)
struct SealedTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var master: MasterKey
        var purpose: Purpose
        var context: [[UInt8]]
        var salt: [UInt8]
        var plain: [UInt8]
        var sealed: String
    }

    private static let counting = MasterKey(bytes: Array(0..<32))
    private static let ones = MasterKey(bytes: [UInt8](repeating: 0xFF, count: 32))

    static let vectors = [
        Vector(
            testDescription: "a record", master: counting, purpose: .record,
            context: [Array("acme".utf8), [1], [0, 0, 0, 1]], salt: Array(64..<88),
            plain: Array(#"{"token":"abc"}"#.utf8),
            sealed: "015e417546404142434445464748494a4b4c4d4e4f5051525354555657"
                + "cd9881341d8ff8d2ce4502a26c2b671824a7e4055ea0246bd10a50a76ddcf7"),
        Vector(
            testDescription: "a secret of the configuration", master: counting, purpose: .configuration,
            context: [Array("acme".utf8), Array("client_secret".utf8)], salt: [UInt8](repeating: 0, count: 24),
            plain: Array("hunter2".utf8),
            sealed: "015e417546000000000000000000000000000000000000000000000000"
                + "54ea1697e5afb99d13660503c6ad487de4a5243b90da4d"),
        Vector(
            testDescription: "nothing, in no context", master: ones, purpose: .check, context: [],
            salt: [UInt8](repeating: 0xA5, count: 24), plain: [],
            sealed: "014818a169a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5" + "f82593f8d2d551f6ff226ae3057986ea"),
    ]

    @Test(arguments: vectors)
    func `a message is sealed and opened as others do it`(_ vector: Vector) throws {
        let ring = KeyRing(active: vector.master)
        let sealed = ring.seal(vector.plain, for: vector.purpose, context: vector.context, salt: vector.salt)
        #expect(hex(sealed) == vector.sealed)
        let opened = try ring.open(sealed[...], for: vector.purpose, context: vector.context)
        #expect(opened == KeyRing.Opened(plain: vector.plain, isOfActiveKey: true))
    }

    /// HMAC-SHA256 by Python too, under `hkdf(master, b"tokenwell/1/name", 32)`.
    @Test func `a name is blinded as others do it`() {
        let blinded = KeyRing(active: Self.counting).blind([Array("acme".utf8), Array("token".utf8)])
        #expect(hex(blinded) == "eccc1c529722f0dc78dc3eddf1901d49")
    }

    @Test func `the vectors' keys are written like any other`() {
        #expect(Self.counting.reveal() == "twm_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
        #expect(Self.ones.reveal() == "twm_" + String(repeating: "_", count: 42) + "8")
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
