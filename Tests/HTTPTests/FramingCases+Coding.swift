@testable import HTTP

extension FramingCases {
    static let codings: [MessageCase] = [
        .accepted("chunked", coding("chunked"), as: "POST / Transfer-Encoding=chunked"),
        .accepted("chunked in capitals", coding("CHUNKED"), as: "POST / Transfer-Encoding=CHUNKED"),
        .accepted("white space around chunked", coding("\t chunked \t"), as: "POST / Transfer-Encoding=chunked"),
        .accepted(
            "Transfer-Encoding in lower case",
            head("POST / HTTP/1.1", "Host: a", "transfer-encoding: chunked") + "0\r\n\r\n",
            as: "POST / transfer-encoding=chunked"),
        .accepted(
            "GET in chunks", field("Transfer-Encoding: chunked") + "1\r\nx\r\n0\r\n\r\n",
            as: "GET / Transfer-Encoding=chunked", body: "x"),
        .accepted(
            "a coding of the content", coding("chunked\r\nContent-Encoding: gzip"),
            as: "POST / Transfer-Encoding=chunked Content-Encoding=gzip"),
    ]

    static let refusedCodings: [MessageCase] = [
        .refused("a coding, then a length", coding("chunked\r\nContent-Length: 5"), .contentLengthWithTransferEncoding),
        .refused(
            "a length, then a coding", length("5\r\nTransfer-Encoding: chunked"), .contentLengthWithTransferEncoding),
        .refused(
            "a coding and a length of none", coding("chunked\r\nContent-Length: 0"), .contentLengthWithTransferEncoding),
        .refused("a coding and a bad length", coding("chunked\r\nContent-Length: x"), .badContentLength),
        .refused(
            "a coding in HTTP/1.0", head("POST / HTTP/1.0", "Transfer-Encoding: chunked") + "0\r\n\r\n",
            .transferEncodingInHTTP10),
        .refused(
            "both framings in HTTP/1.0",
            head("POST / HTTP/1.0", "Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n",
            .contentLengthWithTransferEncoding),
        .refused("chunked twice", coding("chunked, chunked"), .badTransferEncoding),
        .refused("chunked in two fields", coding("chunked\r\nTransfer-Encoding: chunked"), .repeatedTransferEncoding),
        .refused("chunked, then identity", coding("chunked\r\nTransfer-Encoding: identity"), .repeatedTransferEncoding),
        .refused("identity, then chunked", coding("identity\r\nTransfer-Encoding: chunked"), .badTransferEncoding),
        .refused("an empty coding, then chunked", coding("\r\nTransfer-Encoding: chunked"), .badTransferEncoding),
        .refused("gzip before chunked", coding("gzip, chunked"), .unsupportedTransferCoding, 501),
        .refused("two codings before chunked", coding("deflate, gzip, chunked"), .unsupportedTransferCoding, 501),
        .refused("identity before chunked", coding("identity, chunked"), .unsupportedTransferCoding, 501),
        .refused("a coding with a parameter before chunked", coding("a;b=c, chunked"), .unsupportedTransferCoding, 501),
        .refused("chunked before gzip", coding("chunked, gzip"), .badTransferEncoding),
        .refused("chunked before gzip and chunked", coding("chunked, gzip, chunked"), .badTransferEncoding),
        .refused("gzip", coding("gzip"), .badTransferEncoding),
        .refused("identity", coding("identity"), .badTransferEncoding),
        .refused("no coding", coding(""), .badTransferEncoding),
        .refused("a coding of white space", coding(" \t"), .badTransferEncoding),
        .refused("a comma alone for a coding", coding(","), .badTransferEncoding),
        .refused("an empty element before chunked", coding(",chunked"), .badTransferEncoding),
        .refused("an empty element after chunked", coding("chunked,"), .badTransferEncoding),
        .refused("a letter before chunked", coding("xchunked"), .badTransferEncoding),
        .refused("a letter after chunked", coding("chunkedx"), .badTransferEncoding),
        .refused("the beginning of chunked", coding("chunk"), .badTransferEncoding),
        .refused("chunked with a parameter", coding("chunked;q=1"), .badTransferEncoding),
        .refused("chunked with a semicolon", coding("chunked;"), .badTransferEncoding),
        .refused("chunked in quotes", coding("\"chunked\""), .badTransferEncoding),
        .refused("chunked with a space in it", coding("chun ked"), .badTransferEncoding),
        .refused("chunked twice without a comma", coding("chunked chunked"), .badTransferEncoding),
        .refused("chunked with a Kelvin sign", coding("chun\u{212A}ed"), .badTransferEncoding),
        .refused("chunked with a letter that looks the same", coding("сhunked"), .badTransferEncoding),
        .refused("a vertical tab before chunked", coding("\u{B}chunked"), .controlCharacter),
        .refused("NUL after chunked", coding("chunked\0"), .controlCharacter),
        .refused("CR before chunked", coding("\rchunked"), .bareCarriageReturn),
        .refused("LF before chunked", coding("\nchunked"), .bareLineFeed),
        .refused("chunked on a folded line", coding("\r\n chunked"), .obsoleteFold),
        .refused("chunked with a second element on a folded line", coding("chunked\r\n , gzip"), .obsoleteFold),
        .refused(
            "a space between Transfer-Encoding and its colon",
            head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding : chunked") + "0\r\n\r\n", .whitespaceBeforeColon),
        .refused(
            "a space before Transfer-Encoding",
            head("POST / HTTP/1.1", "Host: a", " Transfer-Encoding: chunked") + "0\r\n\r\n", .obsoleteFold),
    ]
}
