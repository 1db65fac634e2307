import Encodings
import Signatures
import Testing

@testable import Service

struct JWTTests {
    /// A JWT with that header and those claims, and two bytes of signature.
    private static func text(_ header: String, _ claims: String = JWTSigner.claims()) -> String {
        [header, claims, "ok"].map { Base64URL.encode($0.utf8) }.joined(separator: ".")
    }

    private func refusal(_ text: String) -> Refusal? {
        do throws(Refusal) {
            _ = try JWT(parsing: Array(text.utf8)[...])
            return nil
        } catch { return error }
    }

    @Test func `it is taken apart`() throws {
        let text = Self.text(#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#)
        let jwt = try JWT(parsing: Array("Bearer \(text)".utf8).dropFirst(7))
        #expect(jwt.algorithm == .es256)
        #expect(jwt.keyID == "k1")
        #expect(jwt.claims.issuer == JWTSigner.issuer)
        #expect(jwt.claims.subject == JWTSigner.subject)
        #expect(jwt.claims.audiences == ["tokenwell"])
        #expect(jwt.claims.expiry == JWTSigner.now + 3600)
        #expect(
            String(decoding: jwt.signed, as: UTF8.self) == text.split(separator: ".").prefix(2).joined(separator: "."))
        #expect(jwt.signature == Array("ok".utf8))
    }

    @Test(
        arguments: [
            (#"{"alg":"ES256"}"#, nil), (#"{"alg":"RS256","typ":"at+jwt"}"#, nil),
            (#"{"alg":"EdDSA","typ":"jwt"}"#, nil),
            (#"{"alg":"ES256","typ":"application/JWT"}"#, nil), (#"{"alg":"ES256","unknown":{"a":1}}"#, nil),
            (#"{"alg":"none"}"#, .jwtAlgorithm), (#"{"alg":"None"}"#, .jwtAlgorithm),
            (#"{"alg":"HS256"}"#, .jwtAlgorithm),
            (#"{"alg":"PS256"}"#, .jwtAlgorithm), (#"{"alg":"ES384"}"#, .jwtAlgorithm),
            (#"{"alg":"es256"}"#, .jwtAlgorithm),
            (#"{}"#, .jwtAlgorithm), (#"{"alg":["ES256"]}"#, .jwtAlgorithm),
            (#"{"alg":"ES256","alg":"none"}"#, .jwtMalformed), (#"{"alg":"ES256","crit":["exp"]}"#, .jwtMalformed),
            (#"{"alg":"ES256","crit":[]}"#, .jwtMalformed), (#"{"alg":"ES256","kid":1}"#, .jwtMalformed),
            (#"{"alg":"ES256","typ":"secevent"}"#, .jwtMalformed), (#"{"alg":"ES256","typ":1}"#, .jwtMalformed),
            (#"["ES256"]"#, .jwtMalformed), ("", .jwtMalformed), (#"{"alg":"ES256"} x"#, .jwtMalformed),
        ] as [(String, Refusal?)])
    func `a header is held against what is taken`(_ header: String, _ expected: Refusal?) {
        #expect(refusal(Self.text(header)) == expected)
    }

    @Test(arguments: [
        ##"{"iss":"a","sub":"b"}"##, ##"{"iss":"a","exp":1}"##, ##"{"sub":"b","exp":1}"##,
        ##"{"iss":1,"sub":"b","exp":1}"##, ##"{"iss":"a","sub":["b"],"exp":1}"##, ##"{"iss":"a","sub":"b","exp":"1"}"##,
        ##"{"iss":"a","sub":"b","exp":-1}"##, ##"{"iss":"a","sub":"b","exp":1e300}"##,
        ##"{"iss":"a","sub":"b","exp":1,"nbf":"x"}"##, ##"{"iss":"a","sub":"b","exp":1,"iat":null}"##,
        ##"{"iss":"a","sub":"b","exp":1,"aud":1}"##, ##"{"iss":"a","sub":"b","exp":1,"aud":["x",1]}"##,
        ##"{"iss":"a","sub":"b","exp":1,"exp":9}"##, "[]", "1", "",
    ])
    func `claims that are missing or of the wrong kind are refused`(_ claims: String) {
        #expect(refusal(Self.text(#"{"alg":"ES256"}"#, claims)) == .jwtMalformed)
    }

    @Test(
        arguments: [
            ("", .jwtMalformed), ("a", .jwtMalformed), ("a.b", .jwtMalformed), ("..", .jwtMalformed),
            (text(#"{"alg":"ES256"}"#) + ".x", .jwtMalformed), (text(#"{"alg":"ES256"}"#) + "=", .jwtMalformed),
            ("." + text(#"{"alg":"ES256"}"#), .jwtMalformed), (text(#"{"alg":"ES256"}"#) + "\u{e9}", .jwtMalformed),
            (text(#"{"alg":"ES256"}"#).replacing(".", with: ". "), .jwtMalformed),
            (text(#"{"alg":"ES256","x":"\#(String(repeating: "x", count: 8000))"}"#), .jwtMalformed),
            (text(#"{"alg":"ES256","x":"\#(String(repeating: "x", count: 5000))"}"#), nil),
        ] as [(String, Refusal?)])
    func `what is not of the compact form, or too long, is refused`(_ text: String, _ expected: Refusal?) {
        #expect(refusal(text) == expected)
    }

    @Test func `a fraction of a second, one audience, and none`() throws {
        let claims = try #require(
            JWTClaims(["iss": .string("a"), "sub": .string("b"), "exp": .number("12.9"), "aud": .string("c")]))
        #expect(claims.expiry == 12)
        #expect(claims.audiences == ["c"])
        #expect(
            try #require(JWTClaims(["iss": .string("a"), "sub": .string("b"), "exp": .number("1")])).audiences == [])
    }
}
