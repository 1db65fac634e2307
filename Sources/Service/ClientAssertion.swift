import Crypto
import Encodings
import HTTP
import TokenBroker

/// A JWT by which a client proves itself (RFC 7523 §2.2 and §3), signed with ES256 (RFC 7518 §3.4).
struct ClientAssertion {
    /// What `client_assertion_type` says.
    static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    /// Seconds until it is void: clocks may differ by that, and nobody needs it longer.
    private static let lifetime = 120

    /// The JWT in its compact form.
    let text: String

    /// Signs an assertion of its own for each request, as upstreams take none twice.
    ///
    /// - Parameters:
    ///   - tenant: Its credential's secret is the private key, in PEM; the configuration has checked that.
    ///   - now: Seconds since 1970.
    init(_ tenant: Tenant, now: Int) throws(MintFailure) {
        let header = Self.header(keyID: tenant.provider.assertionKeyID)
        let claims = Self.claims(
            id: tenant.credential.id, audience: tenant.provider.assertionAudience ?? tenant.provider.tokenURL, now: now)
        let signed = Base64URL.encode(header) + "." + Base64URL.encode(claims)
        do {
            let key = try P256.Signing.PrivateKey(pemRepresentation: tenant.credential.secret.reveal())
            text = signed + "." + Base64URL.encode(try key.signature(for: Array(signed.utf8)).rawRepresentation)
        } catch {
            throw .unavailable("bad_client_key")
        }
    }

    /// Whether a PEM text holds a private key that can sign.
    static func isKey(_ pem: String) -> Bool { (try? P256.Signing.PrivateKey(pemRepresentation: pem)) != nil }

    private static func header(keyID: String?) -> [UInt8] {
        var header: [UInt8] = [UInt8(ascii: "{")]
        header.append(member: "alg")
        header.append(json: "ES256")
        header.append(member: "typ")
        header.append(json: "JWT")
        if let keyID {
            header.append(member: "kid")
            header.append(json: keyID)
        }
        return header + [UInt8(ascii: "}")]
    }

    private static func claims(id: String, audience: String, now: Int) -> [UInt8] {
        var claims: [UInt8] = [UInt8(ascii: "{")]
        claims.append(member: "iss")
        claims.append(json: id)
        claims.append(member: "sub")
        claims.append(json: id)
        claims.append(member: "aud")
        claims.append(json: audience)
        claims.append(member: "jti")
        claims.append(json: Base64URL.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) }))
        claims.append(member: "iat")
        claims.append(decimal: now)
        claims.append(member: "exp")
        claims.append(decimal: now + lifetime)
        return claims + [UInt8(ascii: "}")]
    }
}
