import Testing

@testable import HTTP

struct ResponseParserTests {
    @Test(arguments: [
        MessageCase.accepted("the least", head("HTTP/1.1 204 No Content"), as: "204"),
        .accepted("no reason", head("HTTP/1.1 204 "), as: "204"),
        .accepted("no space before the missing reason", head("HTTP/1.1 204"), as: "204"),
        .accepted("a reason beyond ASCII", head("HTTP/1.1 204 é"), as: "204"),
        .accepted(
            "a length", head("HTTP/1.1 200 OK", "Content-Length: 5") + "hello", as: "200 Content-Length=5",
            body: "hello"),
        .accepted(
            "chunks", head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n",
            as: "200 Transfer-Encoding=chunked", body: "hello"),
        .accepted(
            "Connection: close", head("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0"),
            as: "200 Connection=close Content-Length=0", closes: true),
        .accepted(
            "HTTP/1.0", head("HTTP/1.0 200 OK", "Content-Length: 1") + "x", as: "200 Content-Length=1",
            body: "x", closes: true),
        .accepted("an interim answer", head("HTTP/1.1 100 Continue"), as: "100"),
        .accepted(
            "304 with the length of what it stands for", head("HTTP/1.1 304 ", "Content-Length: 5"),
            as: "304 Content-Length=5", closes: true),
        .accepted(
            "204 with a length", head("HTTP/1.1 204 ", "Content-Length: 5"), as: "204 Content-Length=5", closes: true),
        .accepted("204 with none", head("HTTP/1.1 204 ", "Content-Length: 0"), as: "204 Content-Length=0"),
        .accepted("an unknown status", head("HTTP/1.1 599 ?", "Content-Length: 0"), as: "599 Content-Length=0"),
        .accepted("any host", head("HTTP/1.1 204 ", "Host: a", "Host: /"), as: "204 Host=/"),
        .refused("another protocol", head("HTTQ/1.1 200 OK"), .badStatusLine),
        .refused("HTTP/2", head("HTTP/2.0 200 OK"), .badStatusLine),
        .refused("a version of letters", head("HTTP/1.x 200 OK"), .badStatusLine),
        .refused("a status of two digits", head("HTTP/1.1 20 OK"), .badStatusLine),
        .refused("a status of four digits", head("HTTP/1.1 2000 OK"), .badStatusLine),
        .refused("a status of letters", head("HTTP/1.1 2x0 OK"), .badStatusLine),
        .refused("a status with a sign", head("HTTP/1.1 +20 OK"), .badStatusLine),
        .refused("status 099", head("HTTP/1.1 099 OK"), .badStatusLine),
        .refused("status 600", head("HTTP/1.1 600 OK"), .badStatusLine),
        .refused("two spaces", head("HTTP/1.1  200 OK"), .badStatusLine),
        .refused("nothing like it", head("hello"), .badStatusLine),
        .refused("LF for CRLF", "HTTP/1.1 200 OK\n\n", .bareLineFeed),
        .refused("a fold", head("HTTP/1.1 200 OK", "A: b", " c"), .obsoleteFold),
        .refused("NUL in a value", head("HTTP/1.1 200 OK", "A: \0"), .controlCharacter),
        .refused(
            "two lengths", head("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 5"), .repeatedContentLength),
        .refused("a bad length", head("HTTP/1.1 200 OK", "Content-Length: 5x"), .badContentLength),
        .refused(
            "both framings", head("HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked"),
            .contentLengthWithTransferEncoding),
        .refused("no chunked coding", head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip"), .badTransferEncoding),
        .refused(
            "an unknown coding", head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"),
            .unsupportedTransferCoding, 501),
        .refused("an empty line before it", "\r\n" + head("HTTP/1.1 204 "), .badStatusLine),
        .refused("NUL in the reason", head("HTTP/1.1 204 \0"), .badStatusLine),
        .refused(
            "a coding in HTTP/1.0", head("HTTP/1.0 200 OK", "Transfer-Encoding: chunked"), .transferEncodingInHTTP10),
    ])
    func `answers`(row: MessageCase) {
        check(row, neighbor: .accepted("a neighbor", head("HTTP/1.1 204 ", "A: b"), as: "204 A=b")) { .response() }
    }

    @Test(arguments: [
        LimitCase("status line", 40, .startLineTooLong) {
            $0.startLineBytes = $1
        } message: {
            head("HTTP/1.1 204 " + letters($0 - 13))
        },
        LimitCase("field line", 40, .fieldLineTooLong) {
            $0.fieldLineBytes = $1
        } message: {
            head("HTTP/1.1 204 ", "A: " + letters($0 - 3))
        },
        LimitCase("field count", 5, .tooManyFields) {
            $0.fieldCount = $1
        } message: {
            head("HTTP/1.1 204 \r\n" + Array(repeating: "A: b", count: $0).joined(separator: "\r\n"))
        },
        LimitCase("head", 60, .headTooLarge) {
            $0.headBytes = $1
        } message: {
            head("HTTP/1.1 204 ", "A: " + letters($0 - 22))
        },
        LimitCase("body", 10, .bodyTooLarge) {
            $0.bodyBytes = $1
        } message: {
            head("HTTP/1.1 200 OK", "Content-Length: \($0)") + letters($0)
        },
        LimitCase("chunked body", 10, .bodyTooLarge) {
            $0.bodyBytes = $1
        } message: {
            head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
                + "\(String($0, radix: 16))\r\n\(letters($0))\r\n0\r\n\r\n"
        },
    ])
    func `a limit holds to the byte`(row: LimitCase) {
        check(row) { .response(limits: $0) }
    }

    @Test func `without a length the body lasts until the close, within its limit`() {
        var limits = Limits()
        limits.bodyBytes = 10
        var reader = MessageReader.response(limits: limits)
        reader.feed(Array((head("HTTP/1.1 200 OK") + "0123456789").utf8))
        #expect(reader.outcome == .init(isUnfinished: true))
        reader.feed([0])
        #expect(reader.outcome == .init(refusal: .bodyTooLarge))
    }
}
