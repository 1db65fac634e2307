import Testing

@testable import Service

struct JWTIssuerTests {
    /// Claims, beside good ones, in seconds from now; and what becomes of them.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var audiences = ["tokenwell"]
        var expiry = 3600
        var notBefore: Int?
        var issuedAt: Int?
        let refusal: Refusal?

        init(
            _ name: String, audiences: [String] = ["tokenwell"], expiry: Int = 3600, notBefore: Int? = nil,
            issuedAt: Int? = nil, is refusal: Refusal?
        ) {
            testDescription = name
            (self.audiences, self.expiry, self.notBefore) = (audiences, expiry, notBefore)
            (self.issuedAt, self.refusal) = (issuedAt, refusal)
        }
    }

    @Test(arguments: [
        Case("good", issuedAt: 0, is: nil),
        Case("one of several audiences", audiences: ["vault", "tokenwell"], is: nil),
        Case("another audience", audiences: ["vault"], is: .jwtAudience),
        Case("an audience that begins alike", audiences: ["tokenwell2", "token", "Tokenwell"], is: .jwtAudience),
        Case("no audience", audiences: [], is: .jwtAudience),
        Case("the last second of the leeway", expiry: -29, is: nil),
        Case("beyond the leeway", expiry: -30, is: .jwtExpired),
        Case("long expired", expiry: -100_000, is: .jwtExpired),
        Case("not before, within the leeway", notBefore: 30, is: nil),
        Case("not yet", notBefore: 31, is: .jwtNotYetValid),
        Case("issued in the future, within the leeway", issuedAt: 30, is: nil),
        Case("issued in the future", issuedAt: 31, is: .jwtNotYetValid),
        Case("as long as it may live", expiry: 86_400, issuedAt: 0, is: nil),
        Case("longer than it may live", expiry: 86_401, issuedAt: 0, is: .jwtLifetime),
        Case("longer than it may live, and nearly over", expiry: 10, issuedAt: -86_400, is: .jwtLifetime),
        Case("longer than it may live from now", expiry: 86_401, is: .jwtLifetime),
        Case("until the year 9999", expiry: 251_602_300_799, is: .jwtLifetime),
    ])
    func `what its JWTs say is held against what they must be`(_ sample: Case) throws {
        let now = JWTSigner.now
        let date = { (offset: Int?) in offset.map { JSONDocument.number("\(now + $0)") } }
        var members: [String: JSONDocument] = ["iss": .string("a"), "sub": .string("b")]
        members["aud"] = .array(sample.audiences.map { .string($0) })
        members["exp"] = date(sample.expiry)
        members["nbf"] = date(sample.notBefore)
        members["iat"] = date(sample.issuedAt)
        let issuer = JWTIssuer(issuer: "a", keys: .file("x"))
        #expect(issuer.refusal(of: try #require(JWTClaims(members)), at: now) == sample.refusal)
    }

    @Test func `the configuration's audiences, leeway and lifetime count`() throws {
        let issuer = JWTIssuer(
            issuer: "a", keys: .file("x"), audiences: ["x", "y"], leeway: .zero, maximumLifetime: .seconds(60))
        let claims = { (expiry: Int) in
            JWTClaims([
                "iss": .string("a"), "sub": .string("b"), "aud": .string("y"), "exp": .number("\(expiry)"),
            ])
        }
        #expect(issuer.refusal(of: try #require(claims(160)), at: 100) == nil)
        #expect(issuer.refusal(of: try #require(claims(161)), at: 100) == .jwtLifetime)
        #expect(issuer.refusal(of: try #require(claims(100)), at: 100) == .jwtExpired)
    }
}
