import Crypto
import Encodings
import FoundationEssentials
import HTTP

/// Makes JSON Web Tokens (RFC 7519) signed with ES256 (RFC 7518 §3.4) under a key that lives as long as the process.
struct TokenSigner: Sendable {
    private let key = P256.Signing.PrivateKey()

    /// The key that a token's signature verifies with.
    var publicKey: P256.Signing.PublicKey { key.publicKey }

    /// The token that states `claims`, in the compact form; throws what the signature does.
    func sign(_ claims: JSON) throws -> String {
        let header: JSON = ["alg": "ES256", "typ": "at+jwt"]
        let signed = Base64URL.encode(header.bytes) + "." + Base64URL.encode(claims.bytes)
        let signature = try key.signature(for: Data(signed.utf8))
        return signed + "." + Base64URL.encode(signature.rawRepresentation)
    }
}
