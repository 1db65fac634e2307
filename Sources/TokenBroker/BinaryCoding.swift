/// Writes values one after the other, each text and list with its length before it, so that no two different lists of
/// values are the same bytes.
struct BinaryWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    mutating func append(_ number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ number: Int64) { append(UInt64(bitPattern: number)) }

    mutating func append(_ number: Int) { append(Int64(number)) }

    mutating func append(_ text: String) {
        append(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    /// In milliseconds.
    mutating func append(_ duration: Duration) { append(duration.milliseconds) }

    mutating func append<Value>(_ value: Value?, _ write: (inout BinaryWriter, Value) -> Void) {
        append(value != nil)
        if let value { write(&self, value) }
    }

    mutating func append<Value>(_ values: [Value], _ write: (inout BinaryWriter, Value) -> Void) {
        append(values.count)
        for value in values { write(&self, value) }
    }

    mutating func append(_ bytes: [UInt8]) {
        append(bytes.count)
        self.bytes += bytes
    }

    mutating func append(_ scopes: ScopeSet) { append(scopes.scopes) { $0.append($1) } }

    /// The place of a value among those that there are: 255 at most.
    mutating func append<Value: Equatable>(_ value: Value, of values: [Value]) {
        append(UInt8(clamping: values.firstIndex(of: value) ?? values.count))
    }
}

/// Reads what ``BinaryWriter`` wrote; what is too short, too long or out of range is refused.
struct BinaryReader {
    struct Malformed: Error {}

    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func byte() throws(Malformed) -> UInt8 {
        guard let byte = rest.popFirst() else { throw Malformed() }
        return byte
    }

    mutating func flag() throws(Malformed) -> Bool {
        let byte = try byte()
        guard byte <= 1 else { throw Malformed() }
        return byte == 1
    }

    mutating func unsigned() throws(Malformed) -> UInt64 {
        guard rest.count >= 8 else { throw Malformed() }
        defer { rest.removeFirst(8) }
        return rest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func signed() throws(Malformed) -> Int64 { Int64(bitPattern: try unsigned()) }

    /// A count, of things that each take a byte at least.
    mutating func count() throws(Malformed) -> Int {
        let count = try signed()
        guard count >= 0, count <= rest.count else { throw Malformed() }
        return Int(count)
    }

    mutating func text() throws(Malformed) -> String {
        let count = try count()
        guard let text = String(validating: rest.prefix(count), as: UTF8.self) else { throw Malformed() }
        rest.removeFirst(count)
        return text
    }

    mutating func bytes() throws(Malformed) -> [UInt8] {
        let count = try count()
        defer { rest.removeFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func version(_ version: UInt8) throws(Malformed) { if try byte() != version { throw Malformed() } }

    /// Not beyond what any clock here reaches, so that sums of some cannot overflow.
    mutating func duration() throws(Malformed) -> Duration {
        let milliseconds = try signed()
        guard abs(milliseconds / 2) < 1 << 50 else { throw Malformed() }
        return .milliseconds(milliseconds)
    }

    mutating func optional<Value>(
        _ read: (inout BinaryReader) throws(Malformed) -> Value
    ) throws(Malformed) -> Value? {
        try flag() ? try read(&self) : nil
    }

    mutating func list<Value>(_ read: (inout BinaryReader) throws(Malformed) -> Value) throws(Malformed) -> [Value] {
        var values: [Value] = []
        for _ in 0..<(try count()) { values.append(try read(&self)) }
        return values
    }

    mutating func scopes() throws(Malformed) -> ScopeSet {
        guard let scopes = ScopeSet(try list { reader throws(Malformed) in try reader.text() }) else {
            throw Malformed()
        }
        return scopes
    }

    /// The member of `values` whose place comes next.
    mutating func one<Value>(of values: [Value]) throws(Malformed) -> Value {
        let place = Int(try byte())
        guard values.indices.contains(place) else { throw Malformed() }
        return values[place]
    }

    func end() throws(Malformed) { if !rest.isEmpty { throw Malformed() } }
}

extension Duration {
    /// Whole ones, rounded down.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
