import Testing

@testable import HTTP

struct RequestParserTests {
    @Test(arguments: accepted + refusedLines + refusedTargets + refusedFields + refusedFraming + refusedChunks)
    func `requests`(row: MessageCase) throws {
        try check(row) { .request() }
    }

    @Test(arguments: [
        LimitCase(testDescription: "method", limit: 32, error: .badMethod, set: { _, _ in }) {
            "\(letters($0)) / HTTP/1.1\r\nHost: a\r\n\r\n"
        },
        LimitCase(testDescription: "start line", limit: 40, error: .startLineTooLong, set: { $0.startLineBytes = $1 }) {
            "GET /\(letters($0 - 14)) HTTP/1.1\r\nHost: a\r\n\r\n"
        },
        LimitCase(testDescription: "field line", limit: 40, error: .fieldLineTooLong, set: { $0.fieldLineBytes = $1 }) {
            "GET / HTTP/1.1\r\nHost: a\r\nA: \(letters($0 - 3))\r\n\r\n"
        },
        LimitCase(testDescription: "field count", limit: 5, error: .tooManyFields, set: { $0.fieldCount = $1 }) {
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: $0 - 1) + "\r\n"
        },
        LimitCase(testDescription: "head", limit: 60, error: .headTooLarge, set: { $0.headBytes = $1 }) {
            "GET / HTTP/1.1\r\nHost: a\r\nA: \(letters($0 - 32))\r\n\r\n"
        },
        LimitCase(
            testDescription: "head after empty lines", limit: 60, error: .headTooLarge, set: { $0.headBytes = $1 }
        ) {
            String(repeating: "\r\n", count: 5) + "GET / HTTP/1.1\r\nHost: a\r\nA: \(letters($0 - 42))\r\n\r\n"
        },
        LimitCase(testDescription: "body", limit: 10, error: .bodyTooLarge, set: { $0.bodyBytes = $1 }) {
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \($0)\r\n\r\n" + letters($0)
        },
        LimitCase(testDescription: "chunked body", limit: 10, error: .bodyTooLarge, set: { $0.bodyBytes = $1 }) {
            chunked("5\r\nhello\r\n\(String($0 - 5, radix: 16))\r\n\(letters($0 - 5))\r\n0\r\n\r\n")
        },
        LimitCase(
            testDescription: "chunk overhead", limit: 40, error: .tooMuchChunkOverhead,
            set: { $0.chunkOverheadBytes = $1 }
        ) {
            // Without the extension's letters: 1;\r\n, \r\n and 0\r\n\r\n.
            chunked("1;\(letters($0 - 11))\r\na\r\n0\r\n\r\n")
        },
        LimitCase(
            testDescription: "trailers", limit: 3, error: .badTrailer,
            set: { $0.fieldCount = $1 }
        ) {
            chunked("0\r\n" + String(repeating: "A: b\r\n", count: $0) + "\r\n")
        },
        LimitCase(testDescription: "trailer line", limit: 30, error: .badTrailer, set: { $0.fieldLineBytes = $1 }) {
            chunked("0\r\nA: \(letters($0 - 3))\r\n\r\n")
        },
    ])
    func `a limit holds to the byte`(row: LimitCase) throws {
        try check(row) { .request(limits: $0) }
    }

    @Test(arguments: [
        ("TLS", [0x16, 0x03, 0x01], ParseError.badMethod),
        ("a start line that never ends", letters(20).utf8 + [], .startLineTooLong),
        ("a field line that never ends", Array("GET / HTTP/1.1\r\nA: \(letters(20))".utf8), .fieldLineTooLong),
        ("LF in the head", Array("GET / HTTP/1.1\n".utf8), .bareLineFeed),
        ("CR in the head", Array("GET / HTTP/1.1\rX".utf8), .bareCarriageReturn),
    ])
    func `what can't become a request is refused before its end`(name: String, bytes: [UInt8], error: ParseError) throws
    {
        var limits = Limits()
        limits.startLineBytes = 16
        limits.fieldLineBytes = 16
        try check(.refused(name, bytes: bytes, error)) { .request(limits: limits) }
    }

    @Test func `every error has a reason and a status that refuses`() {
        let rows =
            Self.refusedLines + Self.refusedTargets + Self.refusedFields + Self.refusedFraming + Self.refusedChunks
        for row in rows {
            guard case .failure(let error) = row.outcome else { continue }
            #expect((400...505).contains(error.status.code) && !error.reason.isEmpty, "\(row.name)")
        }
    }
}

private func letters(_ count: Int) -> String { String(repeating: "a", count: count) }

private func head(_ lines: String...) -> String { lines.map { $0 + "\r\n" }.joined() + "\r\n" }

private func get(_ target: String) -> String { head("GET \(target) HTTP/1.1", "Host: a") }

private func field(_ line: String) -> String { head("GET / HTTP/1.1", "Host: a", line) }

private func chunked(_ body: String) -> String {
    head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") + body
}

extension RequestParserTests {
    static let accepted: [MessageCase] = [
        .accepted("the least", get("/"), head: "GET  Host=a"),
        .accepted("HTTP/1.0 without a host", head("GET / HTTP/1.0"), head: "GET  close"),
        .accepted("a later minor version", head("GET / HTTP/1.9", "Host: a"), head: "GET  Host=a"),
        .accepted("empty lines before it", "\r\n\r\n" + get("/"), head: "GET  Host=a"),
        .accepted(
            "a method of any token", head("!#$%&'*+-.^_`|~aZ09 / HTTP/1.1", "Host: a"),
            head: "!#$%&'*+-.^_`|~aZ09  Host=a"),
        .accepted("a path", get("/tokens/acme"), head: "GET tokens|acme Host=a"),
        .accepted("empty segments", get("//a//"), head: "GET |a|| Host=a"),
        .accepted("a query", get("/a?b=c&d=%2F?e"), head: "GET a?b=c&d=%2F?e Host=a"),
        .accepted("an empty query", get("/a?"), head: "GET a? Host=a"),
        .accepted("an encoded segment", get("/%61%20%C3%A9%25"), head: "GET a é% Host=a"),
        .accepted("a plus in a path", get("/a+b"), head: "GET a+b Host=a"),
        .accepted("dots in a segment", get("/.../.a/a..b"), head: "GET ...|.a|a..b Host=a"),
        .accepted("absolute form", get("http://b.example:80/c?d"), head: "GET c?d Host=a"),
        .accepted("absolute form without a path", get("HTTPS://b.example"), head: "GET  Host=a"),
        .accepted("absolute form with a query alone", get("http://b?c"), head: "GET ?c Host=a"),
        .accepted("absolute form of an IPv6 address", get("http://[::1]:8/c"), head: "GET c Host=a"),
        .accepted("OPTIONS *", head("OPTIONS * HTTP/1.1", "Host: a"), head: "OPTIONS * Host=a"),
        .accepted("no space after the colon", field("A:b"), head: "GET  Host=a A=b"),
        .accepted("white space around a value", field("A: \t b c \t "), head: "GET  Host=a A=b c"),
        .accepted("an empty value", field("A:"), head: "GET  Host=a A="),
        .accepted("UTF-8 in a value", field("A: é"), head: "GET  Host=a A=é"),
        .accepted("a colon in a value", field("A: b:c"), head: "GET  Host=a A=b:c"),
        .accepted("Connection: close", field("Connection: Close"), head: "GET  close Host=a Connection=Close"),
        .accepted("close in a list", field("Connection: te , close"), head: "GET  close Host=a Connection=te , close"),
        .accepted("close is no part of a word", field("Connection: closed"), head: "GET  Host=a Connection=closed"),
        .accepted("an empty host", head("GET / HTTP/1.1", "Host:"), head: "GET  Host="),
        .accepted(
            "a host with port", head("GET / HTTP/1.1", "HOST: a-b.example:8080"), head: "GET  HOST=a-b.example:8080"),
        .accepted(
            "an IPv6 host", head("GET / HTTP/1.1", "Host: [2001:db8::1]:8080"), head: "GET  Host=[2001:db8::1]:8080"),
        .accepted("a host with an encoded byte", head("GET / HTTP/1.1", "Host: a%2Db"), head: "GET  Host=a%2Db"),
        .accepted(
            "a length", head("POST / HTTP/1.1", "Host: a", "Content-Length: 5") + "hello",
            head: "POST  Host=a Content-Length=5", body: "hello"),
        .accepted(
            "a length of none", head("POST / HTTP/1.1", "Host: a", "Content-Length: 0"),
            head: "POST  Host=a Content-Length=0"),
        .accepted(
            "a length with zeros before", head("POST / HTTP/1.1", "Host: a", "Content-Length: 0005") + "hello",
            head: "POST  Host=a Content-Length=0005", body: "hello"),
        .accepted(
            "a body that looks like a request",
            head("POST / HTTP/1.1", "Host: a", "Content-Length: 18") + "GET / HTTP/1.1\r\n\r\n",
            head: "POST  Host=a Content-Length=18", body: "GET / HTTP/1.1\r\n\r\n"),
        .accepted(
            "expects to be told to continue",
            head("POST / HTTP/1.1", "Host: a", "Expect: 100-Continue", "Content-Length: 1") + "x",
            head: "POST  continue Host=a Expect=100-Continue Content-Length=1", body: "x"),
        .accepted(
            "nothing to continue with", head("POST / HTTP/1.1", "Host: a", "Expect: 100-continue"),
            head: "POST  Host=a Expect=100-continue"),
        .accepted(
            "HTTP/1.0 expects nothing", head("POST / HTTP/1.0", "Expect: tea", "Content-Length: 1") + "x",
            head: "POST  close Expect=tea Content-Length=1", body: "x"),
        .accepted("chunks", chunked("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), head: chunkedHead, body: "hello!"),
        .accepted("no chunk", chunked("0\r\n\r\n"), head: chunkedHead),
        .accepted(
            "sizes in hex", chunked("A\r\n0123456789\r\n0b\r\n0123456789a\r\n000\r\n\r\n"), head: chunkedHead,
            body: "01234567890123456789a"),
        .accepted("chunk extensions", chunked("1;a=b;c=\"d\"\r\nx\r\n0;e\r\n\r\n"), head: chunkedHead, body: "x"),
        .accepted("trailers", chunked("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n"), head: chunkedHead, body: "x"),
        .accepted("CRLF in a chunk", chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"), head: chunkedHead, body: "\r\n\r\n"),
        .accepted(
            "the coding's name in capitals",
            head("POST / HTTP/1.1", "Host: a", "transfer-encoding: CHUNKED") + "0\r\n\r\n",
            head: "POST  Host=a transfer-encoding=CHUNKED"),
    ]

    private static let chunkedHead = "POST  Host=a Transfer-Encoding=chunked"

    static let refusedLines: [MessageCase] = [
        .refused("no method", head(" / HTTP/1.1", "Host: a"), .badMethod),
        .refused("a method that is no token", head("GE(T / HTTP/1.1", "Host: a"), .badMethod),
        .refused("a method alone", head("GET", "Host: a"), .badMethod),
        .refused("a tab after the method", head("GET\t/ HTTP/1.1", "Host: a"), .badMethod),
        .refused("two spaces after the method", head("GET  / HTTP/1.1", "Host: a"), .badTarget),
        .refused("two spaces after the target", head("GET /  HTTP/1.1", "Host: a"), .badVersion),
        .refused("a space at the end", head("GET / HTTP/1.1 ", "Host: a"), .badVersion),
        .refused("a space in the target", get("/a b"), .badVersion),
        .refused("HTTP/0.9", head("GET /"), .badTarget),
        .refused("no version", head("GET / ", "Host: a"), .badVersion),
        .refused("a version in lower case", head("GET / http/1.1", "Host: a"), .badVersion),
        .refused("another protocol", head("GET / HTTQ/1.1", "Host: a"), .badVersion),
        .refused("a version of two digits", head("GET / HTTP/1.10", "Host: a"), .badVersion),
        .refused("a version without a minor", head("GET / HTTP/1", "Host: a"), .badVersion),
        .refused("a version of letters", head("GET / HTTP/1.x", "Host: a"), .badVersion),
        .refused("HTTP/2 by name", head("GET / HTTP/2.0", "Host: a"), .unsupportedVersion),
        .refused("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        .refused("version 0.9", head("GET / HTTP/0.9", "Host: a"), .unsupportedVersion),
        .refused("LF for CRLF", "GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        .refused("LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
        .refused("LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        .refused("LF before the request", "\n" + get("/"), .bareLineFeed),
        .refused("CR in the start line", head("GET /\rx HTTP/1.1", "Host: a"), .bareCarriageReturn),
        .refused("CR in a value", field("A: b\rc"), .bareCarriageReturn),
        .refused("CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", .bareCarriageReturn),
        .refused("TLS", bytes: [0x16, 0x03, 0x01, 0x02, 0x00], .badMethod),
        .refused("NUL first", bytes: [0], .badMethod),
    ]

    static let refusedTargets: [MessageCase] = [
        .refused("no slash", get("a"), .badTarget),
        .refused("asterisk for GET", get("*"), .badTarget),
        .refused("asterisk and more", head("OPTIONS *a HTTP/1.1", "Host: a"), .badTarget),
        .refused("authority form", head("CONNECT a:443 HTTP/1.1", "Host: a"), .badTarget),
        .refused("a fragment", get("/a#b"), .badTarget),
        .refused("a fragment after a query", get("/a?b#c"), .badTarget),
        .refused("a dot segment", get("/./a"), .badTarget),
        .refused("two dots", get("/a/../b"), .badTarget),
        .refused("two dots at the end", get("/a/.."), .badTarget),
        .refused("encoded dots", get("/%2e%2E/a"), .badTarget),
        .refused("half-encoded dots", get("/.%2e"), .badTarget),
        .refused("an encoded slash", get("/a%2Fb"), .badTarget),
        .refused("an encoded NUL", get("/a%00"), .badTarget),
        .refused("encoded bytes that are not UTF-8", get("/%FF"), .badTarget),
        .refused("an overlong slash", get("/%C0%AF"), .badTarget),
        .refused("a percent sign alone", get("/a%"), .badTarget),
        .refused("a percent sign and one digit", get("/a%2"), .badTarget),
        .refused("a percent sign before a segment's end", get("/a%2/F"), .badTarget),
        .refused("a percent sign and no hex digit", get("/a%2G"), .badTarget),
        .refused("bytes beyond ASCII", get("/é"), .badTarget),
        .refused("a control byte", get("/\u{7F}"), .badTarget),
        .refused("NUL", get("/a\0"), .badTarget),
        .refused("another scheme", get("ftp://a/"), .badTarget),
        .refused("a scheme without authority", get("http:///a"), .badTarget),
        .refused("user information", get("http://user@a/"), .badTarget),
        .refused("a bad port", get("http://a:99999/"), .badTarget),
        .refused("dots in absolute form", get("http://a/.."), .badTarget),
    ]

    static let refusedFields: [MessageCase] = [
        .refused("no host", head("GET / HTTP/1.1"), .missingHost),
        .refused("two hosts", head("GET / HTTP/1.1", "Host: a", "host: a"), .repeatedHost),
        .refused("two hosts in HTTP/1.0", head("GET / HTTP/1.0", "Host: a", "Host: b"), .repeatedHost),
        .refused("a bad host in HTTP/1.0", head("GET / HTTP/1.0", "Host: a b"), .badHost),
        .refused("a host with a path", head("GET / HTTP/1.1", "Host: a/b"), .badHost),
        .refused("a host with a user", head("GET / HTTP/1.1", "Host: b@a"), .badHost),
        .refused("a host of two", head("GET / HTTP/1.1", "Host: a,b"), .badHost),
        .refused("a port of letters", head("GET / HTTP/1.1", "Host: a:b"), .badHost),
        .refused("a port too high", head("GET / HTTP/1.1", "Host: a:65536"), .badHost),
        .refused("two ports", head("GET / HTTP/1.1", "Host: a:1:2"), .badHost),
        .refused("a bracket that stays open", head("GET / HTTP/1.1", "Host: [::1"), .badHost),
        .refused("brackets around nothing", head("GET / HTTP/1.1", "Host: []"), .badHost),
        .refused("brackets around colons", head("GET / HTTP/1.1", "Host: [:::::]"), .badHost),
        .refused("brackets around IPv4", head("GET / HTTP/1.1", "Host: [127.0.0.1]"), .badHost),
        .refused("more behind a bracket", head("GET / HTTP/1.1", "Host: [::1]a"), .badHost),
        .refused("a host with half an encoded byte", head("GET / HTTP/1.1", "Host: a%2"), .badHost),
        .refused("a host with a bad encoded byte", head("GET / HTTP/1.1", "Host: a%zz"), .badHost),
        .refused("a fold", field("A: b\r\n c"), .obsoleteFold),
        .refused("a fold of tabs", field("A: b\r\n\tc"), .obsoleteFold),
        .refused("a space before the first field", head("GET / HTTP/1.1", " Host: a"), .obsoleteFold),
        .refused("a space before the colon", field("A : b"), .whitespaceBeforeColon),
        .refused("a tab before the colon", field("A\t: b"), .whitespaceBeforeColon),
        .refused("no colon", field("A"), .missingColon),
        .refused("no name", field(": b"), .badFieldName),
        .refused("a name with a bracket", field("A(: b"), .badFieldName),
        .refused("a name beyond ASCII", field("é: b"), .badFieldName),
        .refused("NUL in a name", field("A\0: b"), .badFieldName),
        .refused("NUL in a value", field("A: b\0"), .controlCharacter),
        .refused("an escape in a value", field("A: \u{1B}[0m"), .controlCharacter),
        .refused("DEL in a value", field("A: \u{7F}"), .controlCharacter),
        .refused("another expectation", field("Expect: tea"), .unsupportedExpectation),
        .refused("one expectation too many", field("Expect: 100-continue, tea"), .unsupportedExpectation),
    ]

    private static func length(_ value: String) -> String {
        head("POST / HTTP/1.1", "Host: a", "Content-Length: \(value)") + "hello"
    }

    private static func coding(_ value: String) -> String {
        head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: \(value)") + "0\r\n\r\n"
    }

    static let refusedFraming: [MessageCase] = [
        .refused("a length with a sign", length("+5"), .badContentLength),
        .refused("a length below zero", length("-5"), .badContentLength),
        .refused("a length with a space", length("5 5"), .badContentLength),
        .refused("a length in hex", length("0x5"), .badContentLength),
        .refused("a length with a point", length("5.0"), .badContentLength),
        .refused("an empty length", length(""), .badContentLength),
        .refused("a list of lengths", length("5, 5"), .badContentLength),
        .refused("a length past all integers", length("18446744073709551621"), .badContentLength),
        .refused("a length that is an integer, barely", length("999999999999999999"), .bodyTooLarge),
        .refused(
            "two lengths that agree",
            head("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "content-length: 5") + "hello",
            .repeatedContentLength),
        .refused(
            "both framings",
            head("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n",
            .contentLengthWithTransferEncoding),
        .refused(
            "both framings the other way",
            head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Content-Length: 5"),
            .contentLengthWithTransferEncoding),
        .refused(
            "two codings in two fields",
            head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
            .repeatedTransferEncoding),
        .refused("chunked twice", coding("chunked, chunked"), .unsupportedTransferCoding),
        .refused("gzip before chunked", coding("gzip, chunked"), .unsupportedTransferCoding),
        .refused("chunked before gzip", coding("chunked, gzip"), .unsupportedTransferCoding),
        .refused("identity", coding("identity"), .unsupportedTransferCoding),
        .refused("no coding", coding(""), .unsupportedTransferCoding),
        .refused("a vertical tab before chunked", coding("\u{B}chunked"), .controlCharacter),
        .refused("a quoted coding", coding("\"chunked\""), .unsupportedTransferCoding),
        .refused("a coding with a parameter", coding("chunked;q=1"), .unsupportedTransferCoding),
        .refused(
            "a coding in HTTP/1.0", head("POST / HTTP/1.0", "Transfer-Encoding: chunked") + "0\r\n\r\n",
            .transferEncodingInHTTP10),
    ]

    static let refusedChunks: [MessageCase] = [
        .refused("a size with a prefix", chunked("0x5\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a size with a sign", chunked("+5\r\nhello\r\n"), .badChunk),
        .refused("a size below zero", chunked("-1\r\n"), .badChunk),
        .refused("no size", chunked("\r\n"), .badChunk),
        .refused("an extension without a size", chunked(";a\r\n"), .badChunk),
        .refused("a space before a size", chunked(" 5\r\nhello\r\n"), .badChunk),
        .refused("a space after a size", chunked("5 \r\nhello\r\n"), .badChunk),
        .refused("a size of nine digits", chunked("000000005\r\nhello\r\n"), .badChunk),
        .refused("a size past the limit", chunked("FFFFFFFF\r\n"), .bodyTooLarge),
        .refused("LF after a size", chunked("5\nhello\r\n"), .badChunk),
        .refused("CR after a size", chunked("5\rhello\r\n"), .badChunk),
        .refused("LF in an extension", chunked("5;a\nhello\r\n"), .badChunk),
        .refused("CR in an extension", chunked("5;a\rb\r\nhello\r\n"), .badChunk),
        .refused("NUL in an extension", chunked("5;\0\r\nhello\r\n"), .badChunk),
        .refused("data longer than its size", chunked("4\r\nhello\r\n"), .badChunk),
        .refused("data shorter than its size", chunked("6\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("LF after data", chunked("5\r\nhello\n0\r\n\r\n"), .badChunk),
        .refused("LF for the empty line", chunked("0\r\n\n"), .badTrailer),
        .refused("LF after a trailer", chunked("0\r\nA: b\n\r\n"), .badTrailer),
        .refused("CR in a trailer", chunked("0\r\nA: b\rc\r\n\r\n"), .badTrailer),
        .refused("a folded trailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), .badTrailer),
        .refused("a trailer without a colon", chunked("0\r\nA\r\n\r\n"), .badTrailer),
        .refused("a length as a trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), .badTrailer),
        .refused("a key as a trailer", chunked("0\r\nauthorization: x\r\n\r\n"), .badTrailer),
    ]
}
