@testable import HTTP

extension FramingCases {
    static let fields: [MessageCase] = [
        .accepted("no space after the colon", field("A:b"), as: "GET / A=b"),
        .accepted("white space around a value", field("A: \t b c \t "), as: "GET / A=b c"),
        .accepted("a tab in a value", field("A: b\tc"), as: "GET / A=b\tc"),
        .accepted("an empty value", field("A:"), as: "GET / A="),
        .accepted("a value of white space", field("A: \t "), as: "GET / A="),
        .accepted("a colon in a value", field("A: b:c"), as: "GET / A=b:c"),
        .accepted("a value that looks like a field", field("A: Host: b"), as: "GET / A=Host: b"),
        .accepted(
            "a value of every mark", field("A: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
            as: "GET / A=!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        .accepted("UTF-8 in a value", field("A: é"), as: "GET / A=é"),
        .accepted(
            "bytes beyond ASCII in a value",
            bytes: Array("GET / HTTP/1.1\r\nHost: a\r\nA: ".utf8) + [0x80, 0xFF] + Array("\r\n\r\n".utf8),
            as: "GET / A=\u{FFFD}\u{FFFD}"),
        .accepted("a name of one letter", field("a: b"), as: "GET / a=b"),
        .accepted("a name of digits", field("1: b"), as: "GET / 1=b"),
        .accepted(
            "a name of every kind of token character", field("!#$%&'*+-.^_`|~aZ09: b"),
            as: "GET / !#$%&'*+-.^_`|~aZ09=b"),
        .accepted("a name twice", field("A: b\r\nA: c"), as: "GET / A=b A=c"),
        .accepted("a name with an underscore is its own", field("Content_Length: 5"), as: "GET / Content_Length=5"),
        .accepted("a coding's name with an underscore", field("Transfer_Encoding: x"), as: "GET / Transfer_Encoding=x"),
    ]

    static let refusedFields: [MessageCase] =
        "\"(),/;<=>?@[\\]{}".map { character in
            .refused("\(character) in a field's name", field("A\(character)b: c"), .badFieldName)
        } + [
            .refused("a fold", field("A: b\r\n c"), .obsoleteFold),
            .refused("a fold of a tab", field("A: b\r\n\tc"), .obsoleteFold),
            .refused("a fold of white space alone", field("A: b\r\n "), .obsoleteFold),
            .refused("a fold behind an empty value", field("A:\r\n b"), .obsoleteFold),
            .refused("a space before the first field", head("GET / HTTP/1.1", " Host: a"), .obsoleteFold),
            .refused("a tab before the first field", head("GET / HTTP/1.1", "\tHost: a"), .obsoleteFold),
            .refused("a space before a field", head("GET / HTTP/1.1", "A: b", " Host: a"), .obsoleteFold),
            .refused("a space before the colon", field("A : b"), .whitespaceBeforeColon),
            .refused("a tab before the colon", field("A\t: b"), .whitespaceBeforeColon),
            .refused("a space in a name", field("A b: c"), .whitespaceBeforeColon),
            .refused("no colon", field("A"), .missingColon),
            .refused("a second request line", field("GET / HTTP/1.1"), .whitespaceBeforeColon),
            .refused("no name", field(": b"), .badFieldName),
            .refused("a field of a colon alone", field(":"), .badFieldName),
            .refused("a name beyond ASCII", field("é: b"), .badFieldName),
            .refused("NUL in a name", field("A\0: b"), .badFieldName),
            .refused("DEL in a name", field("A\u{7F}: b"), .badFieldName),
            .refused("a vertical tab in a name", field("A\u{B}: b"), .badFieldName),
            .refused("NUL in a value", field("A: b\0c"), .controlCharacter),
            .refused("NUL at a value's end", field("A: b\0"), .controlCharacter),
            .refused("a start of heading in a value", field("A: \u{1}"), .controlCharacter),
            .refused("a backspace in a value", field("A: b\u{8}"), .controlCharacter),
            .refused("a vertical tab before a value", field("A:\u{B}b"), .controlCharacter),
            .refused("a form feed behind a value", field("A: b\u{C}"), .controlCharacter),
            .refused("an escape in a value", field("A: \u{1B}[0m"), .controlCharacter),
            .refused("DEL in a value", field("A: \u{7F}"), .controlCharacter),
            .refused("LF after a field", "GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n", .bareLineFeed),
            .refused("LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
            .refused("LF in a value", field("A: b\nc"), .bareLineFeed),
            .refused("LF in a name", field("A\nb: c"), .bareLineFeed),
            .refused("CR in a value", field("A: b\rc"), .bareCarriageReturn),
            .refused("CR before a value", field("A:\rb"), .bareCarriageReturn),
            .refused("CR in a name", field("A\rb: c"), .bareCarriageReturn),
            .refused("CR for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rA: b\r\n\r\n", .bareCarriageReturn),
            .refused("CR CR LF after a field", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", .bareCarriageReturn),
            .refused("LF CR after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n\r\n", .bareLineFeed),
            .refused("a field without end", "GET / HTTP/1.1\r\nA: " + letters(9000), .fieldLineTooLong, 431),
            .refused("a name without end", "GET / HTTP/1.1\r\n" + letters(9000), .fieldLineTooLong, 431),
            .refused(
                "fields without end", "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 65), .tooManyFields,
                431),
            .refused(
                "a head without end", "GET / HTTP/1.1\r\n" + String(repeating: "A: \(letters(4000))\r\n", count: 5),
                .headTooLarge, 431),
        ]

    static let connectionFields: [MessageCase] = [
        .accepted("Connection: close", field("Connection: close"), as: "GET / Connection=close", closes: true),
        .accepted("close in capitals", field("Connection: CLOSE"), as: "GET / Connection=CLOSE", closes: true),
        .accepted("close in a list", field("Connection: te , close"), as: "GET / Connection=te , close", closes: true),
        .accepted(
            "close behind an empty element", field("Connection: ,close"), as: "GET / Connection=,close", closes: true),
        .accepted(
            "close in a second field", field("Connection: te\r\nConnection: close"),
            as: "GET / Connection=te Connection=close", closes: true),
        .accepted(
            "close and keep-alive", field("Connection: close, keep-alive"), as: "GET / Connection=close, keep-alive",
            closes: true),
        .accepted("close as a part of a word", field("Connection: closed"), as: "GET / Connection=closed"),
        .accepted("close in quotes", field("Connection: \"close\""), as: "GET / Connection=\"close\""),
        .accepted("an empty Connection", field("Connection:"), as: "GET / Connection="),
        .accepted("keep-alive", field("Connection: keep-alive"), as: "GET / Connection=keep-alive"),
        .accepted(
            "keep-alive in HTTP/1.0", head("GET / HTTP/1.0", "Connection: keep-alive"),
            as: "GET / Connection=keep-alive", closes: true),
        .accepted("Keep-Alive", field("Keep-Alive: timeout=5"), as: "GET / Keep-Alive=timeout=5"),
        .accepted("Proxy-Connection", field("Proxy-Connection: close"), as: "GET / Proxy-Connection=close"),
        .accepted(
            "Connection names the length", length("5\r\nConnection: content-length"),
            as: "POST / Content-Length=5 Connection=content-length", body: "hello"),
        .accepted(
            "Connection names the coding", coding("chunked\r\nConnection: transfer-encoding"),
            as: "POST / Transfer-Encoding=chunked Connection=transfer-encoding"),
        .accepted("Connection names the host", field("Connection: host"), as: "GET / Connection=host"),
        .accepted(
            "an upgrade to HTTP/2", field("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM"),
            as: "GET / Connection=Upgrade, HTTP2-Settings Upgrade=h2c HTTP2-Settings=AAM"),
        .accepted("an upgrade to WebSocket", field("Upgrade: websocket"), as: "GET / Upgrade=websocket"),
        .accepted("TE: trailers", field("TE: trailers"), as: "GET / TE=trailers"),
        .accepted("TE: chunked", field("TE: chunked"), as: "GET / TE=chunked"),
        .accepted("Trailer without a body", field("Trailer: A"), as: "GET / Trailer=A"),
        .accepted("Max-Forwards", field("Max-Forwards: 0"), as: "GET / Max-Forwards=0"),
    ]

    static let expectations: [MessageCase] = [
        .accepted(
            "expects to be told to continue", length("5\r\nExpect: 100-Continue"),
            as: "POST / Content-Length=5 Expect=100-Continue", body: "hello", continues: true),
        .accepted(
            "expects to be told to continue, twice", length("5\r\nExpect: 100-continue, 100-continue"),
            as: "POST / Content-Length=5 Expect=100-continue, 100-continue", body: "hello", continues: true),
        .accepted(
            "expects to be told to continue with chunks", coding("chunked\r\nExpect: 100-continue"),
            as: "POST / Transfer-Encoding=chunked Expect=100-continue", continues: true),
        .accepted(
            "nothing to continue with", field("Expect: 100-continue"), as: "GET / Expect=100-continue"),
        .accepted(
            "HTTP/1.0 expects nothing", head("POST / HTTP/1.0", "Expect: tea", "Content-Length: 1") + "x",
            as: "POST / Expect=tea Content-Length=1", body: "x", closes: true),
        .refused("another expectation", field("Expect: tea"), .unsupportedExpectation, 417),
        .refused("an empty expectation", field("Expect:"), .unsupportedExpectation, 417),
        .refused("an expectation with a parameter", field("Expect: 100-continue;a"), .unsupportedExpectation, 417),
        .refused("one expectation too many", field("Expect: 100-continue, tea"), .unsupportedExpectation, 417),
        .refused(
            "another expectation in a second field", field("Expect: 100-continue\r\nExpect: tea"),
            .unsupportedExpectation, 417),
    ]
}
