@testable import HTTP

extension FramingCases {
    static let lengths: [MessageCase] = [
        .accepted("a length", length("5"), as: "POST / Content-Length=5", body: "hello"),
        .accepted("a length of none", length("0", body: ""), as: "POST / Content-Length=0"),
        .accepted("a length with zeros before", length("005"), as: "POST / Content-Length=005", body: "hello"),
        .accepted(
            "a length of 18 digits", length("000000000000000005"), as: "POST / Content-Length=000000000000000005",
            body: "hello"),
        .accepted("white space around a length", length(" \t5\t "), as: "POST / Content-Length=5", body: "hello"),
        .accepted(
            "a length in capitals", head("POST / HTTP/1.1", "Host: a", "CONTENT-LENGTH: 1") + "x",
            as: "POST / CONTENT-LENGTH=1", body: "x"),
        .accepted("GET with a body", field("Content-Length: 2") + "ab", as: "GET / Content-Length=2", body: "ab"),
        .accepted(
            "DELETE with a body", head("DELETE / HTTP/1.1", "Host: a", "Content-Length: 2") + "ab",
            as: "DELETE / Content-Length=2", body: "ab"),
        .accepted(
            "HTTP/1.0 with a body", head("POST / HTTP/1.0", "Content-Length: 2") + "ab", as: "POST / Content-Length=2",
            body: "ab", closes: true),
        .accepted(
            "a body that looks like a request", length("18", body: "GET / HTTP/1.1\r\n\r\n"),
            as: "POST / Content-Length=18", body: "GET / HTTP/1.1\r\n\r\n"),
        .accepted(
            "a body that looks like a last chunk", length("5", body: "0\r\n\r\n"), as: "POST / Content-Length=5",
            body: "0\r\n\r\n"),
        .accepted(
            "a body of CR and LF", length("4", body: "\n\r\r\n"), as: "POST / Content-Length=4", body: "\n\r\r\n"),
        .accepted("a body of NUL", length("2", body: "\0\0"), as: "POST / Content-Length=2", body: "\0\0"),
    ]

    static let refusedLengths: [MessageCase] = [
        .refused("a length with a plus", length("+5"), .badContentLength),
        .refused("a length with a minus", length("-5"), .badContentLength),
        .refused("minus zero", length("-0"), .badContentLength),
        .refused("a length with a space", length("5 5"), .badContentLength),
        .refused("a length in hex", length("0x5"), .badContentLength),
        .refused("a hex digit for a length", length("a"), .badContentLength),
        .refused("a length with a point", length("5.0"), .badContentLength),
        .refused("a length with an exponent", length("5e0"), .badContentLength),
        .refused("a length with an underscore", length("5_"), .badContentLength),
        .refused("a length with a semicolon", length("5;"), .badContentLength),
        .refused("a length in quotes", length("\"5\""), .badContentLength),
        .refused("a length in words", length("five"), .badContentLength),
        .refused("an empty length", length(""), .badContentLength),
        .refused("a list of lengths that agree", length("5, 5"), .badContentLength),
        .refused("a list of lengths that differ", length("5, 6"), .badContentLength),
        .refused("a list that ends in a comma", length("5,"), .badContentLength),
        .refused("a list that begins with a comma", length(",5"), .badContentLength),
        .refused("a length in Arabic digits", length("٥"), .badContentLength),
        .refused("a length in wide digits", length("５"), .badContentLength),
        .refused("a length with NUL", length("5\0"), .controlCharacter),
        .refused("a length behind a vertical tab", length("\u{B}5"), .controlCharacter),
        .refused("a length of 19 digits", length("0000000000000000005"), .badContentLength),
        .refused("a length past all integers", length("18446744073709551621"), .badContentLength),
        .refused("a length past all signed integers", length("9223372036854775808"), .badContentLength),
        .refused("a length without end", length(String(repeating: "9", count: 4000)), .badContentLength),
        .refused("a length of 18 nines", length("999999999999999999"), .bodyTooLarge, 413),
        .refused("a length that is one too many", length("65537"), .bodyTooLarge, 413),
        .refused("a folded length", length("\r\n 5"), .obsoleteFold),
        .refused("two lengths that agree", length("5\r\nContent-Length: 5"), .repeatedContentLength),
        .refused("two lengths that differ", length("5\r\nContent-Length: 6"), .repeatedContentLength),
        .refused("two lengths in different case", length("5\r\ncontent-length: 5"), .repeatedContentLength),
        .refused("two lengths of none", length("0\r\nContent-Length: 0", body: ""), .repeatedContentLength),
        .refused(
            "two lengths in HTTP/1.0", head("POST / HTTP/1.0", "Content-Length: 0", "Content-Length: 0"),
            .repeatedContentLength),
        .refused("a good length and a bad one", length("5\r\nContent-Length:"), .repeatedContentLength),
        .refused(
            "a space between Content-Length and its colon",
            head("POST / HTTP/1.1", "Host: a", "Content-Length : 5") + "hello", .whitespaceBeforeColon),
        .refused(
            "Content-Length without a colon", head("POST / HTTP/1.1", "Host: a", "Content-Length 5") + "hello",
            .whitespaceBeforeColon),
    ]
}
