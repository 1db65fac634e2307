import Encodings

@testable import Service

extension FuzzTarget {
    /// A caller's JWT: the header and the claims of one, with a line feed between; and the input as it is.
    static let jwt = FuzzTarget(name: "jwt") { input in
        _ = try? JWT(parsing: input[...])
        let parts = input.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        let text = (parts + [[]]).prefix(2).map(Base64URL.encode).joined(separator: ".") + ".b2s"
        guard let jwt = try? JWT(parsing: Array(text.utf8)[...]) else { return }
        try require(text.hasPrefix(String(decoding: jwt.signed, as: UTF8.self) + "."), "header and claims are signed")
        let claims = jwt.claims
        let issuer = JWTIssuer(issuer: claims.issuer, keys: .file(""), audiences: claims.audiences)
        try require(issuer.refusal(of: claims, at: issuer.end(of: claims)) != nil, "a JWT ends")
        if claims.audiences.isEmpty {
            try require(issuer.refusal(of: claims, at: claims.expiry) != nil, "it is for somebody")
        }
    }

    /// The key set of an issuer.
    static let keySet = FuzzTarget(name: "key-set") { input in try? KeySet.check(input) }
}
