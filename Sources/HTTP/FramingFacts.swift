import Sockets

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
                hostIsValid = hostIsValid && Self.isHost(value)
            case 6 where fields.isNamed(line, "expect"):
                if value.equalsIgnoringCase("100-continue") {
                    expectsContinue = true
                } else {
                    hasUnknownExpectation = true
                }
            case 10 where fields.isNamed(line, "connection"):
                closes = closes || Self.listContains(value, "close")
            case 14 where fields.isNamed(line, "content-length"):
                guard contentLength == nil else { throw .repeatedContentLength }
                guard let length = Grammar.decimal(value) else { throw .badContentLength }
                contentLength = length
            case 17 where fields.isNamed(line, "transfer-encoding"):
                guard !isChunked else { throw .repeatedTransferEncoding }
                guard value.equalsIgnoringCase("chunked") else { throw .unsupportedTransferCoding }
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

    /// `uri-host [ ":" port ]` (RFC 9110 §7.2): an IPv6 address in brackets, or a name by its characters. May be empty, as
    /// the RFC has it.
    static func isHost(_ value: ArraySlice<UInt8>) -> Bool {
        var host = value
        if value.first == UInt8(ascii: "[") {
            guard let end = value.firstIndex(of: UInt8(ascii: "]")) else { return false }
            guard SocketAddress("\(String(decoding: value[...end], as: UTF8.self)):0") != nil else { return false }
            let port = value[end...].dropFirst()
            return port.isEmpty || port.first == UInt8(ascii: ":") && isPort(port.dropFirst())
        }
        if let colon = value.firstIndex(of: UInt8(ascii: ":")) {
            guard isPort(value[colon...].dropFirst()) else { return false }
            host = value[..<colon]
        }
        if host.contains(UInt8(ascii: "%")), PercentEncoding.decode(host, plusIsSpace: false) == nil { return false }
        return host.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "%"):
                true
            default: false
            }
        }
    }

    private static func isPort(_ digits: ArraySlice<UInt8>) -> Bool {
        digits.isEmpty || digits.count <= 5 && (Grammar.decimal(digits) ?? .max) <= 65535
    }

    private static func listContains(_ value: ArraySlice<UInt8>, _ wanted: StaticString) -> Bool {
        value.split(separator: UInt8(ascii: ",")).contains { item in
            var item = item
            while let first = item.first, Grammar.isBlank(first) { item = item.dropFirst() }
            while let last = item.last, Grammar.isBlank(last) { item = item.dropLast() }
            return item.equalsIgnoringCase(wanted)
        }
    }
}

extension ArraySlice<UInt8> {
    /// Compares with lower-case ASCII text.
    package func equalsIgnoringCase(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { text in count == text.count && zip(self, text).allSatisfy { $0.lowercased == $1 } }
    }
}
