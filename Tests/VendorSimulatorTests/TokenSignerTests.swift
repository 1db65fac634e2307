import Crypto
import Foundation
import Testing

@testable import VendorSimulator

struct TokenSignerTests {
    @Test func `a token states its claims and verifies with the public key`() throws {
        let signer = TokenSigner()
        let token = try #require(DecodedToken(try signer.sign(["iss": "https://a.example", "exp": 300])))
        #expect(token.header == #"{"alg":"ES256","typ":"at+jwt"}"#)
        #expect(token.claims == #"{"iss":"https://a.example","exp":300}"#)
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: token.signature)
        #expect(signer.publicKey.isValidSignature(signature, for: token.signed))
        #expect(!TokenSigner().publicKey.isValidSignature(signature, for: token.signed))
    }
}
