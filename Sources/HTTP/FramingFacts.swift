/// What a message's fields say about its own framing, each said at most once.
struct FramingFacts {
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    /// `Connection: close`.
    private(set) var closes = false
    private(set) var expectsContinue = false
    private(set) var hasUnknownExpectation = false
    private var hosts = 0
    private var hostIsValid = true

    init(_ fields: Fields) throws(ParseError) {
        for line in fields.lines {
            let value = fields.bytes[line.value]
            // The length tells most fields apart from the few that matter here.
            switch line.name.count {
            case 4 where fields.isNamed(line, "host"):
                hosts += 1
                // Empty where the client's URI has no authority (RFC 9112 §3.2).
                hostIsValid = hostIsValid && (value.isEmpty || Grammar.isAuthority(value))
            case 6 where fields.isNamed(line, "expect"):
                if Grammar.elements(value).allSatisfy({ $0.equalsIgnoringCase("100-continue") }) {
                    expectsContinue = true
                } else {
                    hasUnknownExpectation = true
                }
            case 10 where fields.isNamed(line, "connection"):
                closes = closes || Grammar.elements(value).contains { $0.equalsIgnoringCase("close") }
            case 14 where fields.isNamed(line, "content-length"):
                guard contentLength == nil else { throw .repeatedContentLength }
                guard let length = Grammar.decimal(value) else { throw .badContentLength }
                contentLength = length
            case 17 where fields.isNamed(line, "transfer-encoding"):
                guard !isChunked else { throw .repeatedTransferEncoding }
                guard value.equalsIgnoringCase("chunked") else { throw Self.refusal(ofCodings: value) }
                isChunked = true
            default: break
            }
        }
        if isChunked, contentLength != nil { throw .contentLengthWithTransferEncoding }
    }

    /// A request has exactly one Host (RFC 9112 §3.2); HTTP/1.0 may leave it out.
    func checkHost(minorVersion: Int) throws(ParseError) {
        if hosts > 1 { throw .repeatedHost }
        if hosts == 0, minorVersion == 1 { throw .missingHost }
        if !hostIsValid { throw .badHost }
    }

    /// Codings that end in one `chunked` frame the body well, and are only not understood (RFC 9112 §6.1); others leave its
    /// end unknown (§6.3).
    private static func refusal(ofCodings value: ArraySlice<UInt8>) -> ParseError {
        let codings = Grammar.elements(value)
        let isFramed = codings.last.map { $0.equalsIgnoringCase("chunked") } ?? false
        let isOdd = codings.dropLast().contains { $0.isEmpty || $0.equalsIgnoringCase("chunked") }
        return isFramed && !isOdd ? .unsupportedTransferCoding : .badTransferEncoding
    }
}

extension ArraySlice<UInt8> {
    /// Compares with lower-case ASCII text.
    package func equalsIgnoringCase(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { text in count == text.count && zip(self, text).allSatisfy { $0.lowercased == $1 } }
    }
}
