/// Where in a distributed trace something happens: the W3C's `traceparent` (Trace Context Level 1, §3.2), taken strictly.
package struct TraceContext: Hashable, Sendable, CustomStringConvertible {
    private static let length = 55

    /// 32 lower-case hex digits.
    package let traceID: String
    /// 16 lower-case hex digits: the request that this is the context of.
    package let parentID: String
    /// Whether whoever began the trace wants it recorded. No other flag is known here, so none is passed on.
    package let isSampled: Bool

    /// Reads a `traceparent`; nil when it is not by the letter of the specification.
    ///
    /// Of a later version only what version 00 has is taken, as §4.3 has it.
    package init?(_ field: String) {
        let bytes = Array(field.utf8.prefix(Self.length + 1))
        guard bytes.count >= Self.length, [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }),
            let version = Self.digits(bytes[0..<2]), let traceID = Self.digits(bytes[3..<35]),
            let parentID = Self.digits(bytes[36..<52]),
            let flags = Self.digits(bytes[53..<55]).flatMap({ UInt8($0, radix: 16) }),
            version != "ff", traceID.contains(where: { $0 != "0" }), parentID.contains(where: { $0 != "0" })
        else { return nil }
        if bytes.count > Self.length {
            guard version != "00", bytes[Self.length] == UInt8(ascii: "-") else { return nil }
        }
        self.traceID = traceID
        self.parentID = parentID
        isSampled = flags & 1 == 1
    }

    private init(traceID: String, parentID: String, isSampled: Bool) {
        self.traceID = traceID
        self.parentID = parentID
        self.isSampled = isSampled
    }

    /// The context of a request that is made because of this one.
    package func child(using generator: inout some RandomNumberGenerator) -> TraceContext {
        let digits = String(UInt64.random(in: 1...UInt64.max, using: &generator), radix: 16)
        return TraceContext(
            traceID: traceID, parentID: String(repeating: "0", count: 16 - digits.utf8.count) + digits,
            isSampled: isSampled)
    }

    /// As `traceparent`, version 00.
    package var description: String { "00-\(traceID)-\(parentID)-\(isSampled ? "01" : "00")" }

    private static func digits(_ bytes: ArraySlice<UInt8>) -> String? {
        let areDigits = bytes.allSatisfy {
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
        }
        return areDigits ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
