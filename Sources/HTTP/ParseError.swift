/// Why a message is refused. After any of these no later byte of the connection is trusted (RFC 9112 §6.3).
package enum ParseError: Error, Equatable, Sendable {
    // Lines
    case bareLineFeed, bareCarriageReturn, controlCharacter
    case startLineTooLong, fieldLineTooLong, headTooLarge, tooManyFields
    // Start line
    case badMethod, badTarget, badVersion, unsupportedVersion, badStatusLine
    // Fields
    case badFieldName, whitespaceBeforeColon, obsoleteFold, missingColon
    case missingHost, repeatedHost, badHost
    // Framing
    case badContentLength, repeatedContentLength, contentLengthWithTransferEncoding
    case repeatedTransferEncoding, unsupportedTransferCoding, transferEncodingInHTTP10
    case bodyTooLarge, badChunk, tooMuchChunkOverhead, badTrailer
    case unsupportedExpectation
    /// The peer finished in the middle of a message.
    case truncated

    /// The status that refuses a request (RFC 9110 §15.5, RFC 6585 §5).
    package var status: Status {
        switch self {
        case .startLineTooLong: .uriTooLong
        case .fieldLineTooLong, .headTooLarge, .tooManyFields: .requestHeaderFieldsTooLarge
        case .unsupportedVersion: .httpVersionNotSupported
        case .unsupportedTransferCoding: .notImplemented
        case .bodyTooLarge, .tooMuchChunkOverhead: .contentTooLarge
        case .unsupportedExpectation: .expectationFailed
        default: .badRequest
        }
    }

    /// One sentence for whoever sent it.
    package var reason: String {
        switch self {
        case .bareLineFeed: "a line ends in LF without CR"
        case .bareCarriageReturn: "CR without LF"
        case .controlCharacter: "a control character"
        case .startLineTooLong: "the request line is too long"
        case .fieldLineTooLong: "a field line is too long"
        case .headTooLarge: "the head is too large"
        case .tooManyFields: "too many fields"
        case .badMethod: "malformed method"
        case .badTarget: "malformed request target"
        case .badVersion: "malformed HTTP version"
        case .unsupportedVersion: "only HTTP/1.0 and HTTP/1.1 are spoken here"
        case .badStatusLine: "malformed status line"
        case .badFieldName: "malformed field name"
        case .whitespaceBeforeColon: "white space before the colon of a field"
        case .obsoleteFold: "a field is folded over several lines"
        case .missingColon: "a field line has no colon"
        case .missingHost: "no Host field"
        case .repeatedHost: "more than one Host field"
        case .badHost: "malformed Host field"
        case .badContentLength: "malformed Content-Length"
        case .repeatedContentLength: "more than one Content-Length"
        case .contentLengthWithTransferEncoding: "both Content-Length and Transfer-Encoding"
        case .repeatedTransferEncoding: "more than one Transfer-Encoding"
        case .unsupportedTransferCoding: "the only transfer coding taken is a single chunked"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .bodyTooLarge: "the body is too large"
        case .badChunk: "malformed chunk"
        case .tooMuchChunkOverhead: "too much chunk framing"
        case .badTrailer: "malformed or forbidden trailer"
        case .unsupportedExpectation: "the only expectation met is 100-continue"
        case .truncated: "the message ended early"
        }
    }
}
