import Crypto
import CryptoExtras
import Encodings
import Foundation
import Signatures

@testable import Service

/// An issuer of JWTs that a test plays: one key of each kind, and whatever header and claims it is given.
struct JWTSigner: Sendable {
    static let issuer = "https://issuer.example"
    static let subject = "system:serviceaccount:reports:default"
    /// In seconds since 1970.
    static let now = 1_800_000_000
    /// Takes long to make.
    private static let sharedRSA = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    private let rsa: _RSA.Signing.PrivateKey
    private let p256 = P256.Signing.PrivateKey()
    private let ed25519 = Curve25519.Signing.PrivateKey()

    init() throws { rsa = try Self.sharedRSA.get() }

    /// The members of a public key, without braces.
    func key(_ algorithm: PublicKey.Algorithm) throws -> String {
        switch algorithm {
        case .rs256:
            let key = try rsa.publicKey.getKeyPrimitives()
            return
                #""kty":"RSA","n":"\#(Base64URL.encode(key.modulus))","e":"\#(Base64URL.encode(key.publicExponent))""#
        case .es256:
            let point = p256.publicKey.rawRepresentation
            let (x, y) = (Base64URL.encode(point.prefix(32)), Base64URL.encode(point.suffix(32)))
            return #""kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)""#
        case .edDSA:
            return #""kty":"OKP","crv":"Ed25519","x":"\#(Base64URL.encode(ed25519.publicKey.rawRepresentation))""#
        }
    }

    /// A set with those keys, each with the name of its algorithm as its `kid`.
    func keySet(_ algorithms: PublicKey.Algorithm...) throws -> [UInt8] {
        let keys = try algorithms.map { #"{"kid":"\#($0.rawValue)",\#(try key($0))}"# }
        return Self.set(keys)
    }

    static func set(_ keys: [String]) -> [UInt8] { Array(#"{"keys":[\#(keys.joined(separator: ","))]}"#.utf8) }

    /// A JWT with that header and those claims, signed whatever they are.
    func sign(_ header: String, _ claims: String, with algorithm: PublicKey.Algorithm = .es256) throws -> String {
        let signed = Base64URL.encode(header.utf8) + "." + Base64URL.encode(claims.utf8)
        let bytes = Data(signed.utf8)
        let signature: Data =
            switch algorithm {
            case .rs256:
                try rsa.signature(for: SHA256.hash(data: bytes), padding: .insecurePKCS1v1_5).rawRepresentation
            case .es256: try p256.signature(for: bytes).rawRepresentation
            case .edDSA: try ed25519.signature(for: bytes)
            }
        return signed + "." + Base64URL.encode(signature)
    }

    /// A good JWT, of that header's `kid`.
    func jwt(
        _ algorithm: PublicKey.Algorithm = .es256, keyID: String? = nil, subject: String = subject, at now: Int = now
    ) throws -> String {
        let header = #"{"alg":"\#(algorithm.rawValue)","kid":"\#(keyID ?? algorithm.rawValue)","typ":"JWT"}"#
        return try sign(header, Self.claims(subject: subject, at: now), with: algorithm)
    }

    /// Good claims: an hour long.
    static func claims(subject: String = subject, at now: Int = now) -> String {
        #"{"iss":"\#(issuer)","sub":"\#(subject)","aud":["tokenwell"],"iat":\#(now),"nbf":\#(now),"exp":\#(now + 3600)}"#
    }
}
