import HTTP
import Testing
import TokenBroker

@testable import Service

struct UpstreamAnswerTests {
    /// An upstream's answer, and what it is taken for.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let response: Response
        let expected: Result<MintedToken, MintFailure>

        init(_ name: String, _ body: String, is expected: MintFailure) { self.init(name, 200, body, is: expected) }

        init(_ name: String, _ status: Int, _ body: String, retryAfter: String? = nil, is expected: MintFailure) {
            self.init(name, status, Array(body.utf8), retryAfter, .failure(expected))
        }

        init(_ name: String, _ body: String, lifetime: Duration? = .seconds(300), scopes: ScopeSet? = nil) {
            self.init(
                name, 200, Array(body.utf8), nil,
                .success(MintedToken(token: Secret("t"), lifetime: lifetime, scopes: scopes)))
        }

        init(
            _ name: String, _ status: Int, _ body: [UInt8], _ retryAfter: String?,
            _ expected: Result<MintedToken, MintFailure>
        ) {
            testDescription = name
            var response = Response(Status(status), type: "application/json", body: body)
            if let retryAfter { response.fields.append("Retry-After", retryAfter) }
            self.response = response
            self.expected = expected
        }
    }

    /// 2026-11-22 05:00:00 UTC.
    private static let now = 1_795_323_600

    private static func answer(_ members: String) -> String {
        #"{"access_token":"t","token_type":"Bearer",\#(members)}"#
    }

    private func read(_ response: Response, separator: String = " ") -> Result<MintedToken, MintFailure> {
        var provider = Provider(name: "oauth2", tokenURL: "https://a.example", clientAuthentication: .basic)
        provider.scopeSeparator = separator
        do throws(MintFailure) {
            return .success(try UpstreamAnswer.token(response, of: provider, now: Self.now))
        } catch {
            return .failure(error)
        }
    }

    // MARK: - Success

    @Test(arguments: [
        Case("a number", answer(#""expires_in":300"#)),
        Case("a string", answer(#""expires_in":"300""#)),
        Case("missing", #"{"access_token":"t","token_type":"Bearer"}"#, lifetime: nil),
        Case("null", answer(#""expires_in":null"#), lifetime: nil),
        Case("a fraction", answer(#""expires_in":299.9"#), lifetime: .seconds(299)),
        Case("an exponent", answer(#""expires_in":3e2"#)),
        Case("zero", answer(#""expires_in":0"#), lifetime: .zero),
        Case("negative", answer(#""expires_in":-5"#), lifetime: .seconds(-5)),
        Case("over the cap", answer(#""expires_in":8640001"#), lifetime: .seconds(8_640_001)),
        Case("never", answer(#""expires_in":9223372036854775807"#), lifetime: .seconds(1_000_000_000)),
        Case("never, as a string", answer(#""expires_in":"9223372036854775807""#), lifetime: .seconds(1_000_000_000)),
        Case("far too negative", answer(#""expires_in":-1e300"#), lifetime: .seconds(-1_000_000_000)),
    ])
    func `expires_in in every form`(_ sample: Case) { #expect(read(sample.response) == sample.expected) }

    @Test(arguments: [
        Case("bearer", #"{"access_token":"t","token_type":"bearer","expires_in":300}"#),
        Case("BEARER", #"{"access_token":"t","token_type":"BEARER","expires_in":300}"#),
        Case("unknown members are ignored", answer(#""expires_in":300,"refresh_token":"r","x":{"y":[1]}"#)),
        Case("white space around", "\r\n\t " + answer(#""expires_in":300"#) + "\n"),
        Case("a byte-order mark before", "\u{FEFF}" + answer(#""expires_in":300"#)),
        Case("a null error is none", answer(#""expires_in":300,"error":null"#)),
        Case("a false error is none", answer(#""expires_in":300,"error":false"#)),
        Case("an error of zero is none", answer(#""expires_in":300,"error":0"#)),
        Case("an empty error is none", answer(#""expires_in":300,"error":"""#)),
    ])
    func `a success in other dress`(_ sample: Case) { #expect(read(sample.response) == sample.expected) }

    @Test(arguments: [
        Case("one", answer(#""expires_in":300,"scope":"a""#), scopes: ScopeSet(["a"])),
        Case("several", answer(#""expires_in":300,"scope":"b  a""#), scopes: ScopeSet(["a", "b"])),
        Case("empty is not said", answer(#""expires_in":300,"scope":"""#)),
        Case("null is not said", answer(#""expires_in":300,"scope":null"#)),
        Case("no text is not said", answer(#""expires_in":300,"scope":["a"]"#)),
    ])
    func `scope in every form`(_ sample: Case) { #expect(read(sample.response) == sample.expected) }

    @Test func `scopes are taken apart at the provider's separator, and at spaces`() {
        let response = Case("", Self.answer(#""expires_in":300,"scope":"a,b c""#)).response
        #expect((try? read(response, separator: ",").get())?.scopes == ScopeSet(["a", "b", "c"]))
        #expect((try? read(response).get())?.scopes == ScopeSet(["a,b", "c"]))
    }

    @Test(arguments: [(16384, true), (16385, false)])
    func `a token has a longest length`(_ count: Int, _ isTaken: Bool) throws {
        let token = String(repeating: "x", count: count)
        let body = #"{"access_token":"\#(token)","token_type":"Bearer"}"#
        let expected = MintFailure.unavailable("malformed_token")
        let result = read(Response(.ok, body: Array(body.utf8)))
        if isTaken { #expect(try result.get().token == Secret(token)) } else { #expect(result == .failure(expected)) }
    }

    // MARK: - Nonsense

    private static let malformed = MintFailure.unavailable("malformed_answer")
    private static let malformedToken = MintFailure.unavailable("malformed_token")
    private static let unknownType = MintFailure.unavailable("unknown_token_type")

    @Test(arguments: [
        Case("empty", "", is: .unavailable("empty_answer")),
        Case("HTML", "<html>It works!</html>", is: malformed),
        Case("an array", "[]", is: malformed),
        Case("null", "null", is: malformed),
        Case("cut off", #"{"access_token":"t""#, is: malformed),
        Case("deep nesting", String(repeating: "[", count: 60_000), is: malformed),
        Case("deep nesting in a member", answer(#""x":"# + String(repeating: "[", count: 60_000)), is: malformed),
        Case("expires_in is a word", answer(#""expires_in":"soon""#), is: malformed),
        Case("expires_in is empty", answer(#""expires_in":"""#), is: malformed),
        Case("expires_in is not a number", answer(#""expires_in":"nan""#), is: malformed),
        Case("expires_in is infinite", answer(#""expires_in":"inf""#), is: malformed),
        Case("expires_in is beyond all numbers", answer(#""expires_in":1e999"#), is: malformed),
        Case("expires_in is in hex", answer(#""expires_in":"0x12C""#), is: malformed),
        Case("expires_in has a unit", answer(#""expires_in":"300s""#), is: malformed),
        Case(
            "a repeated member", #"{"access_token":"t","access_token":"t","token_type":"Bearer","expires_in":300}"#,
            is: malformed),
        Case(
            "an error without a code", #"{"error":{},"access_token":"t","token_type":"Bearer"}"#,
            is: .unavailable("error_in_success")),
        Case(
            "an error by number", #"{"error":17,"access_token":"t","token_type":"Bearer"}"#,
            is: .unavailable("error_in_success")),
        Case("expires_in is a list", answer(#""expires_in":[300]"#), is: malformed),
        Case("expires_in is a boolean", answer(#""expires_in":true"#), is: malformed),
        Case("a scope with a control character", answer(#""scope":"a\u0001""#), is: .unavailable("malformed_scope")),
        Case("a scope with a quote", answer(#""scope":"a\"b""#), is: .unavailable("malformed_scope")),
        Case(
            "too long a scope", answer(#""scope":"\#(String(repeating: "a", count: 8193))""#),
            is: .unavailable("malformed_scope")),
        Case("no token", #"{"token_type":"Bearer"}"#, is: malformedToken),
        Case("a null token", #"{"access_token":null,"token_type":"Bearer"}"#, is: malformedToken),
        Case("an empty token", #"{"access_token":"","token_type":"Bearer"}"#, is: malformedToken),
        Case("a token with a line break", #"{"access_token":"t\r\nX: y","token_type":"Bearer"}"#, is: malformedToken),
        Case("a token with NUL", #"{"access_token":"t\u0000","token_type":"Bearer"}"#, is: malformedToken),
        Case("a token with a space", #"{"access_token":"t u","token_type":"Bearer"}"#, is: malformedToken),
        Case("a token with DEL", #"{"access_token":"t\u007f","token_type":"Bearer"}"#, is: malformedToken),
        Case("a token beyond ASCII", #"{"access_token":"é","token_type":"Bearer"}"#, is: malformedToken),
        Case("no token_type", #"{"access_token":"t"}"#, is: unknownType),
        Case("token_type DPoP", #"{"access_token":"t","token_type":"DPoP"}"#, is: unknownType),
        Case("token_type with white space", #"{"access_token":"t","token_type":"Bearer "}"#, is: unknownType),
    ])
    func `a 200 that holds no token to hand out`(_ sample: Case) { #expect(read(sample.response) == sample.expected) }

    @Test func `bytes that are no text at all`() {
        #expect(read(Response(.ok, body: [0xFF, 0xFE, 0x00, 0xD8, 0x80])) == .failure(Self.malformed))
    }

    // MARK: - Refusals

    @Test(arguments: ["invalid_request", "invalid_grant", "unsupported_grant_type", "access_denied"])
    func `a code that is said in distress too counts only with 400`(_ code: String) {
        let body = #"{"error":"\#(code)"}"#
        #expect(read(Case(code, 400, body, is: .rejected(code)).response) == .failure(.rejected(code)))
        for (status, failure) in [
            (200, MintFailure.unavailable("error_in_success")), (429, .throttled(retryAfter: nil)),
            (500, .unavailable("http_500")), (503, .unavailable("http_503")),
        ] {
            #expect(read(Case(code, status, body, is: failure).response) == .failure(failure))
        }
    }

    @Test(arguments: ["invalid_client", "unauthorized_client", "invalid_scope"])
    func `a code that no other try helps against counts whatever the status is`(_ code: String) {
        for status in [200, 400, 401, 403, 429, 500, 503] {
            let sample = Case(code, status, #"{"error":"\#(code)"}"#, is: .rejected(code))
            #expect(read(sample.response) == sample.expected)
        }
    }

    @Test(arguments: [
        Case(
            "an error beside members of the wrong type", 400, #"{"error":"invalid_client","access_token":5}"#,
            is: .rejected("invalid_client")),
        Case(
            "an error beside a bad lifetime", 400, #"{"error":"invalid_client","expires_in":"x"}"#,
            is: .rejected("invalid_client")),
        Case("401 without a body", 401, "", is: .rejected("http_401")),
        Case("401 in the server's own words", 401, #"{"error":"Unauthorized"}"#, is: .rejected("http_401")),
        Case("403 without a body", 403, "", is: .rejected("http_403")),
        Case("403 in the server's own words", 403, #"{"error":"Forbidden"}"#, is: .rejected("http_403")),
    ])
    func `what only another credential or request cures`(_ sample: Case) {
        #expect(read(sample.response) == sample.expected)
    }

    @Test(arguments: [
        Case("429 without a word", 429, "", is: .throttled(retryAfter: nil)),
        Case("429 with seconds", 429, "", retryAfter: "30", is: .throttled(retryAfter: .seconds(30))),
        Case(
            "429 with a date", 429, "", retryAfter: "Sun, 22 Nov 2026 05:01:00 GMT",
            is: .throttled(retryAfter: .seconds(60))),
        Case(
            "429 with a date gone by", 429, "", retryAfter: "Sun, 22 Nov 2026 04:00:00 GMT",
            is: .throttled(retryAfter: .zero)),
        Case("429 with nonsense", 429, "", retryAfter: "-1", is: .throttled(retryAfter: nil)),
        Case("429 with a day", 429, "", retryAfter: "86400", is: .throttled(retryAfter: .seconds(86_400))),
        Case("429 with more than a day", 429, "", retryAfter: "86401", is: .throttled(retryAfter: .seconds(86_400))),
        Case(
            "429 with more digits than a number has", 429, "", retryAfter: String(repeating: "9", count: 99),
            is: .throttled(retryAfter: .seconds(86_400))),
        Case(
            "429 with a date that never comes", 429, "", retryAfter: "Fri, 31 Dec 9999 23:59:59 GMT",
            is: .throttled(retryAfter: .seconds(86_400))),
        Case("429 with a fraction", 429, "", retryAfter: "1.5", is: .throttled(retryAfter: nil)),
        Case("429 with an error", 429, #"{"error":"slow_down"}"#, is: .throttled(retryAfter: nil)),
        Case("400 without a body", 400, "", is: .unavailable("http_400")),
        Case("404 without a body", 404, "", is: .unavailable("http_404")),
        Case("408", 408, "", is: .unavailable("http_408")),
        Case("500", 500, "oops", is: .unavailable("http_500")),
        Case("502", 502, "<html>", is: .unavailable("http_502")),
        Case("503 with Retry-After", 503, "", retryAfter: "7", is: .unavailable("http_503", retryAfter: .seconds(7))),
        Case("a redirect", 302, "", is: .unavailable("redirected")),
        Case("a redirect that keeps the method", 307, "", is: .unavailable("redirected")),
        Case("an error in a 200", 200, #"{"error":"temporarily_unavailable"}"#, is: .unavailable("error_in_success")),
        Case("an unknown error in a 400", 400, #"{"error":"temporarily_unavailable"}"#, is: .unavailable("http_400")),
        Case("an error that is no text", 400, #"{"error":{"code":1}}"#, is: .unavailable("http_400")),
        Case("204", 204, "", is: .unavailable("http_204")),
        Case(
            "a request refused by a server that is busy", 429, #"{"error":"access_denied"}"#, retryAfter: "7",
            is: .throttled(retryAfter: .seconds(7))),
        Case(
            "a request refused by a server in distress", 503, #"{"error":"invalid_request"}"#,
            is: .unavailable("http_503")),
    ])
    func `what time may cure`(_ sample: Case) { #expect(read(sample.response) == sample.expected) }

    @Test func `an upstream's words never get into a failure`() {
        let sample = Case("", 400, #"{"error":"s3cret","error_description":"s3cret"}"#, is: .unavailable("http_400"))
        #expect(read(sample.response) == sample.expected)
    }

    // MARK: - Revocation

    private func revocation(_ status: Int, _ body: String = "") -> MintFailure? {
        do throws(MintFailure) {
            let provider = Provider(name: "oauth2", tokenURL: "https://a.example", clientAuthentication: .basic)
            try UpstreamAnswer.revocation(
                Response(Status(status), body: Array(body.utf8)), of: provider, now: Self.now)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [(200, ""), (200, "{}"), (200, "<html>"), (204, "")])
    func `any 2xx without an error means that the token is revoked`(_ status: Int, _ body: String) {
        #expect(revocation(status, body) == nil)
    }

    @Test(arguments: [
        (401, "", MintFailure.rejected("http_401")), (400, #"{"error":"invalid_client"}"#, .rejected("invalid_client")),
        (503, "", .unavailable("http_503")), (302, "", .unavailable("redirected")),
        (429, "", .throttled(retryAfter: nil)),
        (200, #"{"error":"invalid_request"}"#, .unavailable("error_in_success")),
        (200, #"{"error":"invalid_client"}"#, .rejected("invalid_client")),
    ])
    func `anything else means that it is not`(_ status: Int, _ body: String, _ failure: MintFailure) {
        #expect(revocation(status, body) == failure)
    }

    @Test(arguments: [
        (HTTPClientError.timedOut, MintFailure.timeout), (.unknownHost("x"), .unavailable("unknown_host")),
        (.connect("x"), .unavailable("connection_failed")), (.closed, .unavailable("connection_closed")),
        (.malformed(.badChunk), .unavailable("malformed_answer")),
        (.malformed(.bodyTooLarge), .unavailable("answer_too_large")),
        (.malformed(.unsupportedContentCoding), .unavailable("unknown_content_coding")),
    ])
    func `no answer has a fixed word too`(_ error: HTTPClientError, _ failure: MintFailure) {
        #expect(UpstreamAnswer.failure(error) == failure)
    }
}
