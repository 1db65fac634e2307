/// Why a message is refused. After any of these no later byte of the connection is trusted (RFC 9112 §6.3).
package enum ParseError: Error, Equatable, Sendable {
    // Lines
    case bareLineFeed, bareCarriageReturn, controlCharacter, tooManyEmptyLines
    case startLineTooLong, fieldLineTooLong, headTooLarge, tooManyFields
    // Start line
    case badMethod, unsupportedMethod, badTarget, badVersion, unsupportedVersion, badStatusLine
    // Fields
    case badFieldName, whitespaceBeforeColon, obsoleteFold, missingColon
    case missingHost, repeatedHost, badHost
    // Framing
    case badContentLength, repeatedContentLength, contentLengthWithTransferEncoding
    case repeatedTransferEncoding, badTransferEncoding, unsupportedTransferCoding, transferEncodingInHTTP10
    case bodyTooLarge, badChunk, chunkExtensionTooLong, tooMuchChunkOverhead, badTrailer
    case unsupportedExpectation
    /// A `Content-Encoding` that was not asked for.
    case unsupportedContentCoding
    /// The peer finished in the middle of a message.
    case truncated

    /// The status that refuses a request (RFC 9110 §15.5 and §15.6, RFC 6585 §5).
    package var status: Status {
        switch self {
        case .startLineTooLong: .uriTooLong
        case .fieldLineTooLong, .headTooLarge, .tooManyFields: .requestHeaderFieldsTooLarge
        case .unsupportedVersion: .httpVersionNotSupported
        case .unsupportedMethod, .unsupportedTransferCoding: .notImplemented
        case .bodyTooLarge, .chunkExtensionTooLong, .tooMuchChunkOverhead: .contentTooLarge
        case .unsupportedExpectation: .expectationFailed
        case .unsupportedContentCoding: .unsupportedMediaType
        default: .badRequest
        }
    }

    /// One sentence for whoever sent it.
    package var reason: String {
        switch self {
        case .bareLineFeed: "a line ends in LF without CR"
        case .bareCarriageReturn: "CR without LF"
        case .controlCharacter: "a control character"
        case .tooManyEmptyLines: "too many empty lines before the request"
        case .startLineTooLong: "the request line is too long"
        case .fieldLineTooLong: "a field line is too long"
        case .headTooLarge: "the head is too large"
        case .tooManyFields: "too many fields"
        case .badMethod: "malformed method"
        case .unsupportedMethod: "no such method is supported"
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
        case .badTransferEncoding: "the transfer codings do not end in a single chunked"
        case .unsupportedTransferCoding: "the only transfer coding taken is chunked"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .bodyTooLarge: "the body is too large"
        case .badChunk: "malformed chunk"
        case .chunkExtensionTooLong: "a chunk extension is too long"
        case .tooMuchChunkOverhead: "too much chunk framing"
        case .badTrailer: "malformed or forbidden trailer"
        case .unsupportedExpectation: "the only expectation met is 100-continue"
        case .unsupportedContentCoding: "a content coding that was not asked for"
        case .truncated: "the message ended early"
        }
    }
}
