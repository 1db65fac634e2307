import JWTKit

/// A public key that verifies the signatures of JWTs, for one algorithm.
///
/// All of jwt-kit that is used.
package struct PublicKey: Sendable {
    /// The signatures that are taken (RFC 7518 §3.1, RFC 8037 §3.1).
    package enum Algorithm: String, Sendable {
        case rs256 = "RS256"
        case es256 = "ES256"
        case edDSA = "EdDSA"
    }

    /// What a key consists of: numbers in base64url, as RFC 7518 §6 and RFC 8037 §2 name them.
    package enum Members: Sendable, Equatable {
        case rsa(n: String, e: String)
        case p256(x: String, y: String)
        case ed25519(x: String)

        package var algorithm: Algorithm {
            switch self {
            case .rsa: .rs256
            case .p256: .es256
            case .ed25519: .edDSA
            }
        }
    }

    package let algorithm: Algorithm
    private let verifier: any JWTAlgorithm

    /// nil for what is no key, such as a point off the curve.
    package init?(_ members: Members) async {
        // The collection is only asked for what it made of the key, which verifies at once where the collection waits.
        let (collection, jwk) = (JWTKeyCollection(), members.jwk)
        guard (try? await collection.add(jwk: jwk)) != nil,
            let verifier = try? await collection.getKey(for: jwk.keyIdentifier)
        else { return nil }
        algorithm = members.algorithm
        self.verifier = verifier
    }

    /// Whether the key's owner has signed those bytes.
    package func verifies(_ signature: [UInt8], of bytes: ArraySlice<UInt8>) -> Bool {
        (try? verifier.verify(signature, signs: bytes)) ?? false
    }
}

extension PublicKey.Members {
    /// Named, because the collection takes no other; there is only one in it.
    fileprivate var jwk: JWK {
        let id = JWKIdentifier(string: "")
        return switch self {
        case .rsa(let n, let e): .rsa(.rs256, identifier: id, modulus: n, exponent: e)
        case .p256(let x, let y): .ecdsa(.es256, identifier: id, x: x, y: y, curve: .p256)
        case .ed25519(let x): .octetKeyPair(.eddsa, identifier: id, x: x, y: nil, curve: .ed25519)
        }
    }
}
