import Sockets
import Support
import Testing
import TokenBroker

@testable import Service

/// What the broker makes of an upstream's odd answers, as bytes on a real connection.
struct UpstreamOddityTests {
    /// An answer as it is sent, and what it is taken for.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let answer: UpstreamExchange.Answer
        let expected: Result<MintedToken, MintFailure>

        init(_ name: String, _ answer: UpstreamExchange.Answer, lifetime: Duration? = .seconds(300)) {
            testDescription = name
            self.answer = answer
            expected = .success(MintedToken(token: Secret("t"), lifetime: lifetime))
        }

        init(_ name: String, _ answer: UpstreamExchange.Answer, is failure: MintFailure) {
            testDescription = name
            self.answer = answer
            expected = .failure(failure)
        }

        init(_ name: String, _ answer: UpstreamExchange.Answer, is cause: String) {
            self.init(name, answer, is: .unavailable(cause))
        }
    }

    private static let json = "Content-Type: application/json"
    private static let token = #"{"access_token":"t","token_type":"Bearer","expires_in":300}"#

    private static func success(_ body: String, _ fields: String...) -> UpstreamExchange.Answer {
        .status(200, fields.isEmpty ? [json] : fields, body)
    }

    private static func expires(_ value: String) -> UpstreamExchange.Answer {
        success(#"{"access_token":"t","token_type":"Bearer","expires_in":\#(value)}"#)
    }

    private static func error(
        _ status: Int, _ code: String, _ fields: String...
    ) -> UpstreamExchange.Answer {
        .status(status, [json] + fields, #"{"error":"\#(code)","error_description":"s3cret"}"#)
    }

    private func expectOutcome(of sample: Case) async throws {
        let exchange = try await UpstreamExchange.mint(UpstreamExchange.initech, answer: sample.answer)
        #expect(exchange.result == sample.expected)
        #expect(
            exchange.request == """
                POST /token HTTP/1.1
                Host: upstream
                Authorization: Basic dG9rZW53ZWxsOnMzY3JldA==
                Accept: application/json
                Content-Type: application/x-www-form-urlencoded
                Content-Length: 29

                grant_type=client_credentials
                """)
    }

    // MARK: - The message

    @Test(arguments: [
        Case("a length", success(token)),
        Case("until the close", .init("HTTP/1.1 200 OK\r\n\r\n" + token)),
        Case("HTTP/1.0", .init("HTTP/1.0 200 OK\r\n\r\n" + token)),
        Case("no reason", .init("HTTP/1.1 200 \r\nContent-Length: 59\r\n\r\n" + token)),
        Case(
            "chunks",
            .init(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n\(token.prefix(5))\r\n36\r\n\(token.dropFirst(5))\r\n0\r\nA: b\r\n\r\n"
            )),
        Case("100 before", .init("HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 200 OK\r\n\r\n" + token)),
        Case("103 before", .init("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + token)),
        Case("no coding, said so", success(token, "Content-Encoding: identity")),
        Case("no media type", .status(200, [], token)),
        Case("another media type", success(token, "Content-Type: text/html")),
        Case("another character set, only said", success(token, "Content-Type: application/json; charset=utf-16")),
        Case("201", .status(201, [json], token), is: "http_201"),
        Case("204", .init("HTTP/1.1 204 No Content\r\n\r\n"), is: "http_204"),
        Case("206", .status(206, [json], token), is: "http_206"),
        Case("gzip unasked", success(token, "Content-Encoding: gzip"), is: "unknown_content_coding"),
        Case("br unasked", success(token, json, "Content-Encoding: br"), is: "unknown_content_coding"),
        Case("a gzip body that nobody speaks of", .status(200, [json], [0x1F, 0x8B, 0x08, 0]), is: "malformed_answer"),
        Case("101", .init("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), is: "malformed_answer"),
        Case(
            "five interim answers",
            .init(String(repeating: "HTTP/1.1 100 \r\n\r\n", count: 5) + "HTTP/1.1 200 \r\n\r\n" + token),
            is: "malformed_answer"),
        Case("a bad chunk", .init("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), is: "malformed_answer"),
        Case(
            "a length and chunks", .init("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
            is: "malformed_answer"),
        Case("no HTTP", .init("220 smtp.example ESMTP\r\n"), is: "malformed_answer"),
        Case("64 KiB", success(token + String(repeating: " ", count: 65_536 - token.utf8.count))),
        Case(
            "more than 64 KiB", success(token + String(repeating: " ", count: 65_537 - token.utf8.count)),
            is: "answer_too_large"),
        Case(
            "more than 64 KiB in chunks", .init("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n"),
            is: "answer_too_large"),
        Case("nothing", .init(""), is: "connection_closed"),
        Case("half a head", .init("HTTP/1.1 200 OK\r\nA:"), is: "connection_closed"),
        Case("half a body", .init("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + token), is: "connection_closed"),
        Case(
            "half of the chunks", .init("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3b\r\n\(token)\r\n"),
            is: "connection_closed"),
        Case("reset before the answer", .init("", then: .reset), is: "connection_closed"),
        Case(
            "reset within the answer", .init("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", then: .reset),
            is: "connection_closed"),
    ])
    func `an odd message`(_ sample: Case) async throws { try await expectOutcome(of: sample) }

    // MARK: - Success that may be none

    private static func utf16(_ text: String) -> [UInt8] {
        [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    }

    @Test(arguments: [
        Case("a byte-order mark", success("\u{FEFF}" + token)),
        Case("unknown members", success(#"{"x":{"y":[1,{}]},"# + token.dropFirst())),
        Case("names that are escaped", success(token.replacing("access_token", with: #"\u0061ccess_token"#))),
        Case("bearer", success(token.replacing("Bearer", with: "bearer"))),
        Case("BEARER", success(token.replacing("Bearer", with: "BEARER"))),
        Case("no token_type", success(#"{"access_token":"t","expires_in":300}"#), is: "unknown_token_type"),
        Case("token_type DPoP", success(token.replacing("Bearer", with: "DPoP")), is: "unknown_token_type"),
        Case(
            "token_type BearerToken", success(token.replacing("Bearer", with: "BearerToken")), is: "unknown_token_type"),
        Case("token_type null", success(token.replacing("\"Bearer\"", with: "null")), is: "unknown_token_type"),
        Case("an empty 200", success(""), is: "empty_answer"),
        Case("white space", success(" \n"), is: "malformed_answer"),
        Case(
            "HTML", success("<!doctype html><title>Sign in</title>", "Content-Type: text/html"), is: "malformed_answer"),
        Case(
            "a form, which nobody has said it is",
            success("access_token=t&token_type=bearer", "Content-Type: application/x-www-form-urlencoded"),
            is: "malformed_answer"),
        Case("UTF-16", .status(200, [json], utf16(token)), is: "malformed_answer"),
        Case(
            "Latin-1",
            .status(200, [json], Array(#"{"x":""#.utf8) + [0xE9] + Array(#"","#.utf8) + token.utf8.dropFirst()),
            is: "malformed_answer"),
        Case("a repeated name", success(#"{"access_token":"u","# + token.dropFirst()), is: "malformed_answer"),
        Case(
            "a repeated name deep inside", success(#"{"x":[{"a":1,"a":1}],"# + token.dropFirst()),
            is: "malformed_answer"),
        Case(
            "nested 31 deep",
            success(
                #"{"x":"# + String(repeating: "[", count: 31) + String(repeating: "]", count: 31) + ","
                    + token.dropFirst())),
        Case(
            "nested 32 deep",
            success(
                #"{"x":"# + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + ","
                    + token.dropFirst()), is: "malformed_answer"),
        Case("nested without end", success(String(repeating: #"{"a":"#, count: 13_000)), is: "malformed_answer"),
        Case("two values", success(token + token), is: "malformed_answer"),
        Case("an array", success("[\(token)]"), is: "malformed_answer"),
        Case("a comment", success("/* */" + token), is: "malformed_answer"),
        Case("a trailing comma", success(token.dropLast() + ",}"), is: "malformed_answer"),
        Case("cut off", success(String(token.dropLast())), is: "malformed_answer"),
        Case("no token", success("{}"), is: "malformed_token"),
        Case("a token by number", success(token.replacing("\"t\"", with: "5")), is: "malformed_token"),
        Case("an empty token", success(token.replacing("\"t\"", with: "\"\"")), is: "malformed_token"),
        Case(
            "a token with a line break", success(token.replacing("\"t\"", with: #""t\r\nX: y""#)), is: "malformed_token"
        ),
        Case("a token with NUL", success(token.replacing("\"t\"", with: #""t\u0000""#)), is: "malformed_token"),
        Case(
            "a token over 16 KiB",
            success(token.replacing("\"t\"", with: "\"\(String(repeating: "t", count: 16_385))\"")),
            is: "malformed_token"),
        Case("an error in a 200", error(200, "temporarily_unavailable"), is: "error_in_success"),
        Case("invalid_client in a 200", error(200, "invalid_client"), is: .rejected("invalid_client")),
        Case("an error beside a token", success(#"{"error":"x","# + token.dropFirst()), is: "error_in_success"),
        Case(
            "an error that is an object", success(#"{"error":{"code":1},"# + token.dropFirst()), is: "error_in_success"),
    ])
    func `an odd success`(_ sample: Case) async throws { try await expectOutcome(of: sample) }

    @Test(arguments: [
        Case("a number", expires("300")),
        Case("a string", expires("\"300\"")),
        Case("a fraction", expires("300.9")),
        Case("a fraction in a string", expires("\"300.9\"")),
        Case("an exponent", expires("3E+2")),
        Case("missing", success(#"{"access_token":"t","token_type":"Bearer"}"#), lifetime: nil),
        Case("null", expires("null"), lifetime: nil),
        Case("zero", expires("0"), lifetime: .zero),
        Case("negative", expires("-60"), lifetime: .seconds(-60)),
        Case("100 days", expires("8640000"), lifetime: .seconds(8_640_000)),
        Case("over 100 days, for the schedule to cap", expires("8640001"), lifetime: .seconds(8_640_001)),
        Case("1e9", expires("1e9"), lifetime: .seconds(1_000_000_000)),
        Case("the largest of 64 bits", expires("18446744073709551615"), lifetime: .seconds(1_000_000_000)),
        Case("a thousand digits", expires(String(repeating: "1", count: 1000)), is: "malformed_answer"),
        Case("1e400", expires("1e400"), is: "malformed_answer"),
        Case("leading zeros", expires("0300"), is: "malformed_answer"),
        Case("an empty string", expires("\"\""), is: "malformed_answer"),
        Case("words", expires("\"five minutes\""), is: "malformed_answer"),
        Case("with a unit", expires("\"300s\""), is: "malformed_answer"),
        Case("in hex", expires("\"0x12c\""), is: "malformed_answer"),
        Case("NaN", expires("NaN"), is: "malformed_answer"),
        Case("a boolean", expires("true"), is: "malformed_answer"),
        Case("an object", expires("{}"), is: "malformed_answer"),
    ])
    func `an odd expires_in`(_ sample: Case) async throws { try await expectOutcome(of: sample) }

    // MARK: - Refusals

    /// Where nobody listens but the test: had it been followed, the credential would be there.
    private static func redirect(_ status: Int) -> Case {
        Case("\(status)", .status(status, ["Location: /elsewhere"], token), is: "redirected")
    }

    @Test(arguments: [300, 301, 302, 303, 307, 308].map(redirect))
    func `a redirect is refused, never followed`(_ sample: Case) async throws { try await expectOutcome(of: sample) }

    @Test func `a redirect takes no credential anywhere else`() async throws {
        let elsewhere = try RawListener()
        let location = "Location: http://127.0.0.1:\(elsewhere.port)/token"
        let exchange = try await UpstreamExchange.mint(UpstreamExchange.initech, answer: .status(307, [location]))
        #expect(exchange.result == .failure(.unavailable("redirected")))
        #expect(!elsewhere.hasWaiting)
    }

    @Test(arguments: [
        Case("IdentityServer's wrong secret", error(400, "invalid_client"), is: .rejected("invalid_client")),
        Case(
            "RFC 6749's wrong secret", error(401, "invalid_client", #"WWW-Authenticate: Basic realm="x""#),
            is: .rejected("invalid_client")),
        Case("401 in HTML", .status(401, ["WWW-Authenticate: Basic"], "<html>"), is: .rejected("http_401")),
        Case("401 without a body", .status(401), is: .rejected("http_401")),
        Case("403 without a body", .status(403), is: .rejected("http_403")),
        Case("invalid_scope", error(400, "invalid_scope"), is: .rejected("invalid_scope")),
        Case("unauthorized_client", error(400, "unauthorized_client"), is: .rejected("unauthorized_client")),
        Case("UKG's wrong customer", error(400, "invalid_request"), is: .rejected("invalid_request")),
        Case("an unknown code", error(400, "Access Denied"), is: "http_400"),
        Case("400 in HTML", .status(400, [], "<html>"), is: "http_400"),
        Case("400 without a body", .status(400), is: "http_400"),
        Case(
            "400 with a repeated error", .status(400, [json], #"{"error":"invalid_client","error":"x"}"#),
            is: "http_400"),
        Case("404 with JSON", error(404, "not_found"), is: "http_404"),
        Case("500", error(500, "server_error"), is: "http_500"),
        Case("502 in HTML", .status(502, [], "<html>"), is: "http_502"),
        Case("429", .status(429), is: .throttled(retryAfter: nil)),
        Case("429, in 30 s", .status(429, ["Retry-After: 30"]), is: .throttled(retryAfter: .seconds(30))),
        Case(
            "429, at a time gone by", .status(429, ["Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"]),
            is: .throttled(retryAfter: .zero)),
        Case(
            "429, at the end of time", .status(429, ["Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"]),
            is: .throttled(retryAfter: .seconds(86_400))),
        Case(
            "429, in ages", .status(429, ["Retry-After: 99999999999999999999"]),
            is: .throttled(retryAfter: .seconds(86_400))),
        Case("429, in a minute ago", .status(429, ["Retry-After: -60"]), is: .throttled(retryAfter: nil)),
        Case("429, soon", .status(429, ["Retry-After: soon"]), is: .throttled(retryAfter: nil)),
        Case("429, in nothing", .status(429, ["Retry-After:"]), is: .throttled(retryAfter: nil)),
        Case("429 of a wrong secret", error(429, "invalid_client", "Retry-After: 30"), is: .rejected("invalid_client")),
        Case("503", .status(503), is: "http_503"),
        Case(
            "503, in 7 s", .status(503, ["Retry-After: 7"], "<html>"),
            is: .unavailable("http_503", retryAfter: .seconds(7))),
        Case(
            "503, at the end of time", .status(503, ["Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"]),
            is: .unavailable("http_503", retryAfter: .seconds(86_400))),
        Case(
            "a busy 200", error(200, "slow_down", "Retry-After: 9"),
            is: .unavailable("error_in_success", retryAfter: .seconds(9))),
    ])
    func `an odd refusal`(_ sample: Case) async throws { try await expectOutcome(of: sample) }

    // MARK: - Time and TLS

    private func mint(_ url: String, by deadline: ContinuousClock.Instant) throws -> Task<
        Result<MintedToken, MintFailure>, Never
    > {
        let endpoint = try UpstreamExchange.endpoint()
        let tenant = UpstreamExchange.initech(url)
        return Task(executorPreference: try TestLoops.group.any) {
            do throws(MintFailure) {
                return .success(try await endpoint.mint(tenant, scopes: .empty, deadline: deadline))
            } catch {
                return .failure(error)
            }
        }
    }

    @Test(arguments: ["", "HTTP/1.1 100 \r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
    func `an upstream that falls silent is a timeout`(_ bytes: String) async throws {
        let listener = try RawListener()
        let exchange = try mint("http://127.0.0.1:\(listener.port)", by: .soon)
        let peer = try listener.accept()
        try peer.send(bytes)
        #expect(await exchange.value == .failure(.timeout))
    }

    @Test func `an answer that drips is a timeout`() async throws {
        let listener = try RawListener()
        let exchange = try mint("http://127.0.0.1:\(listener.port)", by: .now.advanced(by: .milliseconds(100)))
        let peer = try listener.accept()
        _ = try peer.receive(through: "credentials")
        try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
        let loop = try TestLoops.group.any
        let limit = ContinuousClock.Instant.generous
        while ContinuousClock.now < limit {
            guard (try? peer.send("x")) != nil, !peer.hasArrived else { break }
            await loop.sleep(until: .now.advanced(by: .milliseconds(10)))
        }
        #expect(await exchange.value == .failure(.timeout))
    }

    @Test func `an upstream that speaks no TLS where it should is never sent a credential`() async throws {
        let listener = try RawListener()
        let exchange = try mint("https://127.0.0.1:\(listener.port)", by: .generous)
        let peer = try listener.accept()
        try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 59\r\n\r\n" + Self.token)
        peer.finishWriting()
        #expect(await exchange.value == .failure(.unavailable("tls_failed")))
        #expect(try !peer.receiveToEnd().contains("credentials"))
    }

    @Test func `an upstream that refuses connections`() async throws {
        let listener = try RawListener(backlog: nil)
        let exchange = try mint("http://127.0.0.1:\(listener.port)", by: .generous)
        #expect(await exchange.value == .failure(.unavailable("connection_failed")))
    }
}
