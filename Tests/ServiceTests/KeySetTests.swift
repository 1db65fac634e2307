import Encodings
import Signatures
import Testing

@testable import Service

struct KeySetTests {
    private let signer: JWTSigner

    init() throws { signer = try JWTSigner() }

    private func verdict(_ text: String, _ bytes: [UInt8]) async throws -> KeySet.Verdict {
        try await KeySet(parsing: bytes).verdict(on: try JWT(parsing: Array(text.utf8)[...]))
    }

    @Test(arguments: [PublicKey.Algorithm.rs256, .es256, .edDSA])
    func `each algorithm's signature is verified`(_ algorithm: PublicKey.Algorithm) async throws {
        let text = try signer.jwt(algorithm)
        let set = try signer.keySet(.rs256, .es256, .edDSA)
        #expect(try await verdict(text, set) == .valid)
        // The last character has bits that are not the signature's, which strict base64url refuses.
        let parts = text.split(separator: ".")
        var signature = try #require(Base64URL.decode(String(parts[2])))
        signature[signature.count / 2] ^= 1
        let forged = "\(parts[0]).\(parts[1]).\(Base64URL.encode(signature))"
        #expect(try await verdict(forged, set) == .wrongSignature)
        let claims = Base64URL.encode(JWTSigner.claims(subject: "root").utf8)
        #expect(try await verdict("\(parts[0]).\(claims).\(parts[2])", set) == .wrongSignature)
        #expect(try await verdict("\(parts[0]).\(parts[1]).", set) == .wrongSignature)
        #expect(try await verdict(text, try JWTSigner().keySet(.es256)) != .valid)
    }

    @Test func `a key is for its own algorithm only`() async throws {
        let set = try signer.keySet(.rs256, .es256, .edDSA)
        for (algorithm, keyID) in [(PublicKey.Algorithm.es256, "RS256"), (.rs256, "EdDSA"), (.edDSA, "ES256")] {
            #expect(try await verdict(signer.jwt(algorithm, keyID: keyID), set) == .unknownKey)
        }
    }

    @Test func `a kid is needed when there is more than one key`() async throws {
        let unnamed = try signer.sign(#"{"alg":"ES256"}"#, JWTSigner.claims())
        #expect(try await verdict(unnamed, signer.keySet(.es256)) == .valid)
        #expect(try await verdict(unnamed, signer.keySet(.es256, .rs256)) == .unknownKey)
        let alone = JWTSigner.set(["{\(try signer.key(.es256))}"])
        #expect(try await verdict(unnamed, alone) == .valid)
        #expect(try await verdict(signer.jwt(), alone) == .valid)
        #expect(try await verdict(signer.jwt(keyID: "other"), signer.keySet(.es256)) == .unknownKey)
    }

    @Test func `of two keys with one name the first of the algorithm counts`() async throws {
        let keys = [try signer.key(.es256), try JWTSigner().key(.es256)].map { #"{"kid":"ES256",\#($0)}"# }
        #expect(try await verdict(signer.jwt(), JWTSigner.set(keys)) == .valid)
        #expect(try await verdict(signer.jwt(), JWTSigner.set(keys.reversed())) == .wrongSignature)
    }

    @Test(arguments: [
        (#""use":"sig""#, true), (#""alg":"ES256""#, true), (#""key_ops":["verify"]"#, true), (#""x5t":"abc""#, true),
        (#""use":"enc""#, false), (#""alg":"ES384""#, false), (#""key_ops":["encrypt"]"#, false), (#""use":1"#, false),
        (#""key_ops":"verify""#, false), (#""alg":1"#, false),
    ])
    func `a key is used for what it says it is for`(_ member: String, _ isUsed: Bool) async throws {
        let set = JWTSigner.set(["{\(member),\(try signer.key(.es256))}"])
        if isUsed {
            #expect(try await verdict(signer.jwt(), set) == .valid)
        } else {
            #expect(try await KeySet(parsing: set).isEmpty)
            #expect(throws: KeySet.Unusable(reason: "has no key that can be used")) { try KeySet.check(set) }
        }
    }

    @Test func `other keys in a set are left out, a private one is read as public, and a broken one harms no other`()
        async throws
    {
        let set = JWTSigner.set([
            #"{"kty":"oct","k":"c2VjcmV0","kid":"ES256"}"#, #"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#, "1",
            #"{"kid":"ES256","kty":"EC","crv":"P-256","x":"\#(Base64URL.encode([UInt8](repeating: 7, count: 32)))","#
                + #""y":"\#(Base64URL.encode([UInt8](repeating: 7, count: 32)))"}"#,
            #"{"kid":"ES256","d":"AAAA",\#(try signer.key(.es256))}"#,
        ])
        #expect(try await verdict(signer.jwt(), set) == .valid)
    }

    @Test func `a key that is too short or too long is none`() async throws {
        for (count, first) in [(128, 0x80), (256, 0x7F), (1025, 0x80)] as [(Int, UInt8)] {
            let modulus = Base64URL.encode([first] + [UInt8](repeating: 1, count: count - 1))
            let set = JWTSigner.set([#"{"kty":"RSA","n":"\#(modulus)","e":"AQAB"}"#])
            #expect(try await KeySet(parsing: set).isEmpty)
        }
    }

    @Test(arguments: [
        ("", "is not a JSON Web Key Set"), ("{}", "is not a JSON Web Key Set"), ("[]", "is not a JSON Web Key Set"),
        (#"{"keys":{}}"#, "is not a JSON Web Key Set"), (#"{"keys":[],"keys":[]}"#, "is not a JSON Web Key Set"),
        (#"{"keys":[\#(String(repeating: "{},", count: 100)){}]}"#, "has more than 100 keys"),
    ])
    func `what is no set of keys is refused`(_ text: String, _ reason: String) async {
        await #expect(throws: KeySet.Unusable(reason: reason)) { try await KeySet(parsing: Array(text.utf8)) }
        #expect(throws: KeySet.Unusable(reason: reason)) { try KeySet.check(Array(text.utf8)) }
    }
}
