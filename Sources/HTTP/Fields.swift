/// The field lines of one message, in order (RFC 9110 §5).
///
/// Names are compared without regard to case. The lines live in one buffer, as they travel: reading a head or writing
/// one costs two allocations however many fields it has.
package struct Fields: Sendable {
    /// Where a line's name and value stand in `bytes`.
    struct Line {
        var name: Range<Int>
        var value: Range<Int>
    }

    private(set) var bytes: [UInt8]
    private(set) var lines: [Line]

    package init() {
        bytes = []
        lines = []
    }

    /// Takes over `bytes`, in which `lines` point.
    init(bytes: [UInt8], lines: [Line]) {
        self.bytes = bytes
        self.lines = lines
    }

    package var count: Int { lines.count }

    /// The same without room for more: for what is kept for long.
    package var trimmed: Fields { Fields(bytes: bytes.map(\.self), lines: lines.map(\.self)) }

    /// Adds a line.
    ///
    /// A name is written in the program, never taken from outside. A value may come from anywhere: a control character
    /// in it, which could start another line or message (CWE-113), becomes a space.
    package mutating func append(_ name: StaticString, _ value: String) {
        append(name) { $0.append(contentsOf: value.utf8) }
    }

    /// Adds a line whose value is a decimal number.
    package mutating func append(_ name: StaticString, _ value: Int) {
        append(name) { $0.append(decimal: value) }
    }

    /// Adds a line whose value `write` appends to the buffer.
    package mutating func append(_ name: StaticString, _ write: (inout [UInt8]) -> Void) {
        if lines.isEmpty {
            // What an answer needs as a rule, so that neither buffer grows by steps.
            bytes.reserveCapacity(256)
            lines.reserveCapacity(8)
        }
        let start = bytes.count
        bytes.append(name)
        endLine(from: start, write)
    }

    /// Adds a line whose name an operator has chosen; without effect when it is no name.
    package mutating func append(named name: String, _ value: String) {
        guard Self.isName(name) else { return }
        let start = bytes.count
        bytes.append(contentsOf: name.utf8)
        endLine(from: start) { $0.append(contentsOf: value.utf8) }
    }

    /// Whether a text is the name of a field (RFC 9110 §5.1).
    package static func isName(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(Grammar.isToken) }

    /// Ends the line whose name is at `start`.
    @inline(__always)
    private mutating func endLine(from start: Int, _ write: (inout [UInt8]) -> Void) {
        let nameEnd = bytes.count
        bytes.append(": ")
        let valueStart = bytes.count
        write(&bytes)
        for index in valueStart..<bytes.count where bytes[index] < 0x20 || bytes[index] == 0x7F {
            bytes[index] = 0x20
        }
        lines.append(Line(name: start..<nameEnd, value: valueStart..<bytes.count))
        bytes.append("\r\n")
    }

    /// The value of the first line of that name; nil when there is none.
    package subscript(name: StaticString) -> String? {
        first(name).map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    /// The value of the first line of that name, as it came; nil when there is none.
    package func bytes(of name: StaticString) -> ArraySlice<UInt8>? { first(name).map { bytes[$0] } }

    /// The value of the first line of that name, as it came, and how many lines have that name.
    package func occurrences(of name: StaticString) -> (first: ArraySlice<UInt8>?, count: Int) {
        var first: ArraySlice<UInt8>?
        var count = 0
        for line in lines where isNamed(line, name) {
            if first == nil { first = bytes[line.value] }
            count += 1
        }
        return (first, count)
    }

    /// How many lines have that name.
    package func count(of name: StaticString) -> Int {
        var count = 0
        for line in lines where isNamed(line, name) { count += 1 }
        return count
    }

    /// Every line as name and value, in order.
    package var all: [(name: String, value: String)] {
        lines.map {
            (String(decoding: bytes[$0.name], as: UTF8.self), String(decoding: bytes[$0.value], as: UTF8.self))
        }
    }

    private func first(_ name: StaticString) -> Range<Int>? {
        for line in lines where isNamed(line, name) { return line.value }
        return nil
    }

    func isNamed(_ line: Line, _ name: StaticString) -> Bool {
        guard line.name.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { wanted in
            for (index, byte) in wanted.enumerated()
            where bytes[line.name.lowerBound + index].lowercased != byte.lowercased {
                return false
            }
            return true
        }
    }
}

extension [UInt8] {
    /// Appends text that is written in the program.
    package mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    /// Appends the digits of a number, after a `-` when it is negative.
    package mutating func append(decimal value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = digits.count
        var rest = value.magnitude
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        for index in start..<digits.count { append(digits[index]) }
    }
}

extension UInt8 {
    /// ASCII lower case; every other byte as it is.
    var lowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}
