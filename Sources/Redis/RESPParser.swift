/// Reads what a server sends, one value after the other: RESP2 and RESP3
/// (redis.io/docs/latest/develop/reference/protocol-spec).
///
/// It takes each part as soon as that is there, so that a long array is read once however it arrives. Attributes and
/// streamed values are refused: Redis sends them only to those who ask.
package struct RESPParser: Sendable {
    /// How much of it is taken.
    package struct Limits: Sendable {
        /// Bytes of a line: a number, a length, a short text.
        package var line = 4096
        /// Bytes of a string that has its length before it.
        package var string = 1 << 20
        /// Bytes of a value with all that is in it.
        package var value = 16 << 20
        /// Elements of a value, those within elements among them.
        package var elements = 65_536
        /// How deep arrays may lie in arrays.
        package var depth = 8

        package init() {}
    }

    /// One part of a value.
    private enum Item {
        case whole(RESPValue)
        case aggregate(isPush: Bool, count: Int)
    }

    /// An array or push whose elements are still coming.
    private struct Aggregate {
        let isPush: Bool
        var missing: Int
        var elements: [RESPValue] = []

        var value: RESPValue { isPush ? .push(elements) : .array(elements) }
    }

    private let limits: Limits
    private var open: [Aggregate] = []
    /// Of the value that is being read.
    private var bytesTaken = 0
    private var elementsTaken = 0

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Takes what it can use from the start of `bytes`; what is left is to be given again, with more behind it.
    ///
    /// - Returns: The value, once all of it is there, and how many bytes were taken.
    package mutating func parse(_ bytes: Span<UInt8>) throws(RESPError) -> (value: RESPValue?, count: Int) {
        var taken = 0
        while let (item, count) = try item(in: bytes.extracting(taken..<bytes.count)) {
            taken += count
            bytesTaken += count
            guard bytesTaken <= limits.value else { throw .valueTooLong }
            if let value = try add(item) {
                (bytesTaken, elementsTaken) = (0, 0)
                return (value, taken)
            }
        }
        return (nil, taken)
    }

    /// Puts an item where it belongs.
    ///
    /// - Returns: The value, if that was the last of it.
    private mutating func add(_ item: Item) throws(RESPError) -> RESPValue? {
        var value: RESPValue
        switch item {
        case .whole(let whole): value = whole
        case .aggregate(let isPush, let count):
            guard !isPush || open.isEmpty else { throw .misplacedPush }
            guard open.count < limits.depth else { throw .tooDeep }
            guard count <= limits.elements - elementsTaken else { throw .tooManyElements }
            elementsTaken += count
            let aggregate = Aggregate(isPush: isPush, missing: count)
            guard count == 0 else {
                open.append(aggregate)
                return nil
            }
            value = aggregate.value
        }
        while var aggregate = open.popLast() {
            aggregate.elements.append(value)
            aggregate.missing -= 1
            guard aggregate.missing == 0 else {
                open.append(aggregate)
                return nil
            }
            value = aggregate.value
        }
        return value
    }

    // MARK: - Items

    /// - Returns: The item that `bytes` begins with, and its length; nil while it is not all there.
    private func item(in bytes: Span<UInt8>) throws(RESPError) -> (item: Item, count: Int)? {
        guard bytes.count > 0 else { return nil }
        let type = bytes[0]
        // Before the line is there: what is no RESP should not have to be waited for.
        guard "+-:$*_#,(!=%~>".utf8.contains(type) else { throw .unknownType }
        guard let line = try line(in: bytes) else { return nil }
        let count = line.count + 3
        switch type {
        case UInt8(ascii: "+"): return (.whole(.bytes(line)), count)
        case UInt8(ascii: "-"): return (.whole(.error(RedisRefusal(line))), count)
        case UInt8(ascii: ":"): return (.whole(.integer(try Self.integer(line))), count)
        case UInt8(ascii: "("):
            guard Self.isDecimal(line) else { throw .badNumber }
            return (.whole(.bytes(line)), count)
        case UInt8(ascii: ","): return (.whole(.double(try Self.double(line))), count)
        case UInt8(ascii: "_"):
            guard line.isEmpty else { throw .badLength }
            return (.whole(.null), count)
        case UInt8(ascii: "#"):
            guard line == [UInt8(ascii: "t")] || line == [UInt8(ascii: "f")] else { throw .badNumber }
            return (.whole(.boolean(line == [UInt8(ascii: "t")])), count)
        case UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "="):
            return try string(type, length: line, in: bytes, from: count)
        default:
            return (try aggregate(type, count: line), count)
        }
    }

    private func aggregate(_ type: UInt8, count line: [UInt8]) throws(RESPError) -> Item {
        guard let count = try length(line) else {
            guard type == UInt8(ascii: "*") else { throw .badLength }
            return .whole(.null)
        }
        guard count <= limits.elements else { throw .tooManyElements }
        return .aggregate(
            isPush: type == UInt8(ascii: ">"), count: type == UInt8(ascii: "%") ? count * 2 : count)
    }

    private func string(
        _ type: UInt8, length line: [UInt8], in bytes: Span<UInt8>, from start: Int
    ) throws(RESPError) -> (item: Item, count: Int)? {
        guard let length = try length(line) else {
            guard type == UInt8(ascii: "$") else { throw .badLength }
            return (.whole(.null), start)
        }
        guard length <= limits.string else { throw .stringTooLong }
        let end = start + length
        guard bytes.count >= end + 2 else { return nil }
        guard bytes[end] == 0x0D, bytes[end + 1] == 0x0A else { throw .badLineEnd }
        let text = (start..<end).map { bytes[$0] }
        switch type {
        case UInt8(ascii: "!"): return (.whole(.error(RedisRefusal(text))), end + 2)
        case UInt8(ascii: "="):
            // Three letters say what it is, and a colon.
            guard text.count >= 4, text[3] == UInt8(ascii: ":") else { throw .badLength }
            return (.whole(.bytes(Array(text[4...]))), end + 2)
        default: return (.whole(.bytes(text)), end + 2)
        }
    }

    /// What lies between the type and CRLF; nil while that is not there.
    private func line(in bytes: Span<UInt8>) throws(RESPError) -> [UInt8]? {
        var line: [UInt8] = []
        for index in 1..<max(1, bytes.count) {
            if bytes[index] == 0x0D {
                guard index + 1 < bytes.count else { return nil }
                guard bytes[index + 1] == 0x0A else { throw .badLineEnd }
                return line
            }
            guard bytes[index] != 0x0A else { throw .badLineEnd }
            guard line.count < limits.line else { throw .lineTooLong }
            line.append(bytes[index])
        }
        return nil
    }

    /// nil for the -1 that stands for nothing (RESP2).
    private func length(_ line: [UInt8]) throws(RESPError) -> Int? {
        if line == Array("-1".utf8) { return nil }
        // Ten digits are no overflow, and beyond every limit.
        guard (1...10).contains(line.count), Self.isDecimal(line), line[0] != UInt8(ascii: "-"),
            let length = Int(String(decoding: line, as: UTF8.self))
        else { throw .badLength }
        return length
    }

    private static func integer(_ line: [UInt8]) throws(RESPError) -> Int64 {
        guard isDecimal(line), let number = Int64(String(decoding: line, as: UTF8.self)) else { throw .badNumber }
        return number
    }

    private static func double(_ line: [UInt8]) throws(RESPError) -> Double {
        let text = String(decoding: line, as: UTF8.self)
        if ["inf", "-inf", "nan", "-nan"].contains(text) { return Double(text) ?? .nan }
        guard line.allSatisfy({ "+-.0123456789Ee".utf8.contains($0) }), let number = Double(text) else {
            throw .badNumber
        }
        return number
    }

    /// Whether it is digits, a minus before them or not.
    private static func isDecimal(_ line: [UInt8]) -> Bool {
        let digits = line.first == UInt8(ascii: "-") ? line.dropFirst() : line[...]
        return !digits.isEmpty && digits.allSatisfy { (0x30...0x39).contains($0) }
    }
}
