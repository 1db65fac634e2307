@testable import HTTP

extension FramingCases {
    private static let chunkedHead = "POST / Transfer-Encoding=chunked"

    static let chunks: [MessageCase] = [
        .accepted("two chunks", chunked("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), as: chunkedHead, body: "hello!"),
        .accepted("a size in capitals", chunked("A\r\n0123456789\r\n0\r\n\r\n"), as: chunkedHead, body: "0123456789"),
        .accepted("a size in lower case", chunked("a\r\n0123456789\r\n0\r\n\r\n"), as: chunkedHead, body: "0123456789"),
        .accepted("a size of eight digits", chunked("00000005\r\nhello\r\n0\r\n\r\n"), as: chunkedHead, body: "hello"),
        .accepted("a last chunk of eight zeros", chunked("1\r\nx\r\n00000000\r\n\r\n"), as: chunkedHead, body: "x"),
        .accepted("CR and LF in a chunk", chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"), as: chunkedHead, body: "\r\n\r\n"),
        .accepted(
            "a chunk that looks like the last", chunked("3\r\n0\r\n\r\n0\r\n\r\n"), as: chunkedHead, body: "0\r\n"),
        .accepted(
            "a chunk that looks like a request", chunked("12\r\nGET / HTTP/1.1\r\n\r\n\r\n0\r\n\r\n"), as: chunkedHead,
            body: "GET / HTTP/1.1\r\n\r\n"),
        .accepted(
            "chunks of one byte", chunked(String(repeating: "1\r\nx\r\n", count: 20) + "0\r\n\r\n"), as: chunkedHead,
            body: String(repeating: "x", count: 20)),
        .accepted("an extension", chunk(extension: ";a"), as: chunkedHead, body: "x"),
        .accepted("an extension with a value", chunk(extension: ";a=b"), as: chunkedHead, body: "x"),
        .accepted("an extension with a quoted value", chunk(extension: ";a=\"b; c\t=,\""), as: chunkedHead, body: "x"),
        .accepted("an extension with an empty quoted value", chunk(extension: ";a=\"\""), as: chunkedHead, body: "x"),
        .accepted("an extension with escapes", chunk(extension: ";a=\"\\\"\\\\\\b\""), as: chunkedHead, body: "x"),
        .accepted("an extension with UTF-8 in quotes", chunk(extension: ";a=\"é\""), as: chunkedHead, body: "x"),
        .accepted("several extensions", chunk(extension: ";a;b=c;d=\"e\";f"), as: chunkedHead, body: "x"),
        .accepted("white space before an extension", chunk(extension: " \t;a"), as: chunkedHead, body: "x"),
        .accepted(
            "white space in an extension", chunk(extension: "; a\t= b ;c = \"d\" ; e"), as: chunkedHead, body: "x"),
        .accepted("an extension of the last chunk", chunked("1\r\nx\r\n0;a=b\r\n\r\n"), as: chunkedHead, body: "x"),
    ]

    static let refusedChunkSizes: [MessageCase] = [
        .refused("a size with a prefix", chunked("0x5\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a size with a plus", chunked("+5\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a size with a minus", chunked("-1\r\n"), .badChunk),
        .refused("a size with an underscore", chunked("0_5\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a size with a point", chunked("5.0\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a size with a letter past F", chunked("g\r\n"), .badChunk),
        .refused("a size in quotes", chunked("\"5\"\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a size in wide digits", chunked("５\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("no size", chunked("\r\n"), .badChunk),
        .refused("an extension without a size", chunked(";a\r\n"), .badChunk),
        .refused("a space before a size", chunked(" 5\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a space after a size", chunked("5 \r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a tab after a size", chunked("5\t\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a space in a size", chunked("0 5\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a NUL after a size", chunked("5\0\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a size of nine digits", chunked("000000005\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a last chunk of nine zeros", chunked("000000000\r\n\r\n"), .badChunk),
        .refused("a size past all integers", chunked("FFFFFFFFFFFFFFFF1\r\n"), .badChunk),
        .refused("a size that wraps round to five", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("a size below zero as a signed integer", chunked("FFFFFFFFFFFFFFFE\r\n"), .badChunk),
        .refused("a size of 32 bits", chunked("FFFFFFFF\r\n"), .bodyTooLarge, 413),
        .refused("a size that is one too many", chunked("10001\r\n"), .bodyTooLarge, 413),
        .refused("sizes that are too many together", chunked("1\r\nx\r\n10000\r\n"), .bodyTooLarge, 413),
        .refused("LF after a size", chunked("5\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("CR after a size", chunked("5\rhello\r\n0\r\n\r\n"), .badChunk),
        .refused("CR CR LF after a size", chunked("5\r\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("LF CR after a size", chunked("5\n\rhello\r\n0\r\n\r\n"), .badChunk),
    ]

    static let refusedChunkExtensions: [MessageCase] = [
        .refused("a semicolon alone", chunk(extension: ";"), .badChunk),
        .refused("two semicolons", chunk(extension: ";;a"), .badChunk),
        .refused("a semicolon at the end", chunk(extension: ";a;"), .badChunk),
        .refused("a semicolon and a space", chunk(extension: "; "), .badChunk),
        .refused("a comma for a semicolon", chunk(extension: ",a"), .badChunk),
        .refused("a name without a semicolon", chunk(extension: " a"), .badChunk),
        .refused("a value without a name", chunk(extension: ";=b"), .badChunk),
        .refused("an equals sign without a value", chunk(extension: ";a="), .badChunk),
        .refused("two equals signs", chunk(extension: ";a==b"), .badChunk),
        .refused("an equals sign in a value", chunk(extension: ";a=b=c"), .badChunk),
        .refused("two names", chunk(extension: ";a b"), .badChunk),
        .refused("two values", chunk(extension: ";a=b c"), .badChunk),
        .refused("two quoted values", chunk(extension: ";a=\"b\"\"c\""), .badChunk),
        .refused("a token behind a quoted value", chunk(extension: ";a=\"b\"c"), .badChunk),
        .refused("a quotation mark in a value", chunk(extension: ";a=b\"c\""), .badChunk),
        .refused("a quoted name", chunk(extension: ";\"a\"=b"), .badChunk),
        .refused("a quoted value that stays open", chunk(extension: ";a=\"b"), .badChunk),
        .refused("an escape before the line's end", chunk(extension: ";a=\"b\\"), .badChunk),
        .refused("a space behind a name", chunk(extension: ";a "), .badChunk),
        .refused("a space behind a value", chunk(extension: ";a=b "), .badChunk),
        .refused("a tab behind a quoted value", chunk(extension: ";a=\"b\"\t"), .badChunk),
        .refused("a slash in an extension's name", chunk(extension: ";a/b"), .badChunk),
        .refused("a bracket in an extension's value", chunk(extension: ";a=(b)"), .badChunk),
        .refused("UTF-8 in an extension's name", chunk(extension: ";é"), .badChunk),
        .refused("LF for an extension", chunk(extension: ";\nx"), .badChunk),
        .refused("LF after an extension", chunked("1;a\nx\r\n0\r\n\r\n"), .badChunk),
        .refused("LF in an extension", chunk(extension: ";a\nb"), .badChunk),
        .refused("LF in a quoted value", chunk(extension: ";a=\"\n\""), .badChunk),
        .refused("an escaped LF", chunk(extension: ";a=\"\\\n\""), .badChunk),
        .refused("CR for an extension", chunk(extension: ";\rx"), .badChunk),
        .refused("CR in an extension", chunk(extension: ";a\rb"), .badChunk),
        .refused("CR in a quoted value", chunk(extension: ";a=\"\r\""), .badChunk),
        .refused("CRLF in a quoted value", chunk(extension: ";a=\"\r\n\""), .badChunk),
        .refused("NUL in an extension", chunk(extension: ";a\0"), .badChunk),
        .refused("NUL in a quoted value", chunk(extension: ";a=\"\0\""), .badChunk),
        .refused("DEL in a quoted value", chunk(extension: ";a=\"\u{7F}\""), .badChunk),
        .refused("an extension without end", chunked("1;" + letters(300)), .chunkExtensionTooLong, 413),
        .refused("a quoted value without end", chunked("1;a=\"" + letters(300)), .chunkExtensionTooLong, 413),
        .refused(
            "white space without end", chunked("1" + String(repeating: " ", count: 300)), .chunkExtensionTooLong, 413),
        .refused(
            "extensions without end", chunked(String(repeating: "1;\(letters(250))\r\nx\r\n", count: 40)),
            .tooMuchChunkOverhead, 413),
    ]

    static let refusedChunkData: [MessageCase] = [
        .refused("data longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("data shorter than its size", chunked("6\r\nhello\r\n0\r\n\r\n"), .badChunk),
        .refused("data without CRLF behind it", chunked("5\r\nhello0\r\n\r\n"), .badChunk),
        .refused("LF after data", chunked("5\r\nhello\n0\r\n\r\n"), .badChunk),
        .refused("CR after data", chunked("5\r\nhello\r0\r\n\r\n"), .badChunk),
        .refused("two bytes for the CRLF after data", chunked("5\r\nhelloXX0\r\n\r\n"), .badChunk),
        .refused("an empty line after data", chunked("5\r\nhello\r\n\r\n0\r\n\r\n"), .badChunk),
        .refused("a body that is not in chunks", chunked("hello"), .badChunk),
        .refused("a request for a chunk", chunked("GET / HTTP/1.1\r\n\r\n"), .badChunk),
        .refused(
            "chunks of one byte without end", chunked(String(repeating: "1\r\nx\r\n", count: 1700)),
            .tooMuchChunkOverhead, 413),
    ]

    static let trailers: [MessageCase] = [
        .accepted("a trailer", trailer("A: b"), as: chunkedHead, body: "x"),
        .accepted("two trailers", trailer("A: b\r\nC:d"), as: chunkedHead, body: "x"),
        .accepted("an empty trailer", trailer("A:"), as: chunkedHead, body: "x"),
        .accepted("UTF-8 in a trailer", trailer("A: é"), as: chunkedHead, body: "x"),
        .accepted(
            "a trailer that was announced",
            field("Trailer: A\r\nTransfer-Encoding: chunked")
                + "0\r\nA: b\r\n\r\n", as: "GET / Trailer=A Transfer-Encoding=chunked"),
        .accepted("a trailer whose name begins as a forbidden one", trailer("Hosts: b"), as: chunkedHead, body: "x"),
    ]

    static let refusedTrailers: [MessageCase] =
        [
            "Transfer-Encoding", "Content-Length", "Connection", "Trailer", "TE", "Host", "Expect", "Max-Forwards",
            "Cache-Control", "If-Match", "Range", "authorization", "Proxy-Authorization", "COOKIE", "Content-Type",
            "Content-Encoding", "Content-Range",
        ].map { .refused("\($0) as a trailer", trailer("\($0): b"), .badTrailer) } + [
            .refused("LF for the last empty line", chunked("0\r\n\n"), .badTrailer),
            .refused("CR for the last empty line", chunked("0\r\n\rx"), .badTrailer),
            .refused("CR CR LF for the last empty line", chunked("0\r\n\r\r\n"), .badTrailer),
            .refused("data in the last chunk", chunked("0\r\nhello\r\n\r\n"), .badTrailer),
            .refused("another chunk after the last", chunked("0\r\n5\r\nhello\r\n0\r\n\r\n"), .badTrailer),
            .refused("LF after a trailer", chunked("0\r\nA: b\n\r\n"), .badTrailer),
            .refused("CR in a trailer", trailer("A: b\rc"), .badTrailer),
            .refused("a folded trailer", trailer("A: b\r\n c"), .badTrailer),
            .refused("a space before a trailer", trailer(" A: b"), .badTrailer),
            .refused("a space before a trailer's colon", trailer("A : b"), .badTrailer),
            .refused("a trailer without a colon", trailer("A"), .badTrailer),
            .refused("a trailer without a name", trailer(": b"), .badTrailer),
            .refused("NUL in a trailer", trailer("A: \0"), .badTrailer),
            .refused("UTF-8 in a trailer's name", trailer("é: b"), .badTrailer),
            .refused("a request for a trailer", trailer("GET / HTTP/1.1"), .badTrailer),
            .refused(
                "trailers without end", chunked("0\r\n" + String(repeating: "A: b\r\n", count: 65)), .tooManyFields, 431
            ),
            .refused("a trailer without end", chunked("0\r\nA: " + letters(9000)), .tooMuchChunkOverhead, 413),
        ]
}
