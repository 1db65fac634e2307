import Encodings
import Signatures

/// A JWT in its compact form (RFC 7515 §7.1, RFC 7519), taken apart; nothing in it is believed yet.
struct JWT {
    /// Longer ones are none: as much as a field line has room for.
    static let maximumBytes = 8192

    let algorithm: PublicKey.Algorithm
    /// The `kid`.
    let keyID: String?
    let claims: JWTClaims
    /// What the signature is of.
    let signed: ArraySlice<UInt8>
    let signature: [UInt8]

    /// Whether a bearer token may be one: an API key never has a dot.
    static func looksLike(_ token: ArraySlice<UInt8>) -> Bool { token.contains(UInt8(ascii: ".")) }

    /// Throws `jwtMalformed` and `jwtAlgorithm`.
    init(parsing token: ArraySlice<UInt8>) throws(Refusal) {
        guard token.count <= Self.maximumBytes else { throw .jwtMalformed }
        let parts = token.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .jwtMalformed }
        let header = try Self.members(parts[0])
        // Whatever it says has to be understood (RFC 7515 §4.1.11), and nothing of it is.
        guard header["crit"] == nil, Self.isType(header["typ"]) else { throw .jwtMalformed }
        guard let algorithm = header["alg"]?.text.flatMap(PublicKey.Algorithm.init) else { throw .jwtAlgorithm }
        if let keyID = header["kid"] {
            guard let text = keyID.text else { throw .jwtMalformed }
            self.keyID = text
        } else {
            keyID = nil
        }
        self.algorithm = algorithm
        guard let claims = JWTClaims(try Self.members(parts[1])) else { throw .jwtMalformed }
        self.claims = claims
        signed = token[parts[0].startIndex..<parts[1].endIndex]
        signature = try Self.decoded(parts[2])
    }

    private static func members(_ part: ArraySlice<UInt8>) throws(Refusal) -> [String: JSONDocument] {
        guard case .object(let members) = JSONDocument(parsing: try decoded(part)) else { throw .jwtMalformed }
        return members
    }

    private static func decoded(_ part: ArraySlice<UInt8>) throws(Refusal) -> [UInt8] {
        guard let text = String(validating: part, as: UTF8.self), let bytes = Base64URL.decode(text) else {
            throw .jwtMalformed
        }
        return bytes
    }

    /// `JWT`, an access token (RFC 9068 §2.1) or nothing (RFC 7519 §5.1); what else the issuer signs is not for us.
    private static func isType(_ type: JSONDocument?) -> Bool {
        guard let type else { return true }
        guard let text = type.text?.lowercased() else { return false }
        return ["jwt", "application/jwt", "at+jwt", "application/at+jwt"].contains(text)
    }
}

/// What a JWT says (RFC 7519 §4.1), as far as it is of use here.
struct JWTClaims: Equatable {
    let issuer: String
    let subject: String
    let audiences: [String]
    /// In seconds since 1970, as are the others.
    let expiry: Int
    let notBefore: Int?
    let issuedAt: Int?

    /// nil when `iss`, `sub` or `exp` is missing, or one of the others is not what it has to be.
    init?(_ members: [String: JSONDocument]) {
        guard let issuer = members["iss"]?.text, let subject = members["sub"]?.text,
            let audiences = Self.audiences(members["aud"]), let expiry = Self.date(members["exp"])
        else { return nil }
        (self.issuer, self.subject, self.audiences, self.expiry) = (issuer, subject, audiences, expiry)
        (notBefore, issuedAt) = (Self.date(members["nbf"]), Self.date(members["iat"]))
        guard (notBefore == nil) == (members["nbf"] == nil), (issuedAt == nil) == (members["iat"] == nil) else {
            return nil
        }
    }

    /// One text, or a list of them (RFC 7519 §4.1.3).
    private static func audiences(_ claim: JSONDocument?) -> [String]? {
        switch claim {
        case nil: return []
        case .string(let audience): return [audience]
        case .array(let items):
            let audiences = items.compactMap(\.text)
            return audiences.count == items.count ? audiences : nil
        default: return nil
        }
    }

    /// A NumericDate (RFC 7519 §2), which may have a fraction, until the year 9999.
    private static func date(_ claim: JSONDocument?) -> Int? {
        guard case .number(let text) = claim, let seconds = Double(text), (0...253_402_300_799).contains(seconds) else {
            return nil
        }
        return Int(seconds)
    }
}
