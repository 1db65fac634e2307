import Sealing
import TokenBroker

/// A record as it stands in Redis: a string under a key of its own.
///
/// The key says neither whose it is nor what: it has the blinded tenant, so that a record which does not open tells whose
/// it may have been, and the blinded rest. The string is sealed, and bound to both:
///
/// | bytes | what                                    |
/// |-------|-----------------------------------------|
/// | 1     | the record's kind                       |
/// | 8     | when it ends, highest byte first        |
/// | 1     | how many bytes the tenant's name has    |
/// | any   | the tenant's name                       |
/// | 1     | how many bytes the record's name has    |
/// | any   | the record's name                       |
/// | any   | its payload                             |
struct RedisRecord {
    /// What a record is found by, after the store's prefix.
    struct Key: Hashable {
        /// That of a tenant, the same for all of its records.
        let tenant: [UInt8]
        let name: [UInt8]

        init(of id: Record.ID, keys: KeyRing) {
            tenant = Self.tenant(id.tenant, keys: keys)
            name = keys.blind([[id.kind.rawValue], Array(id.tenant.utf8), id.name])
        }

        /// Reads 32 hex digits, a colon and 32 more; nil for anything else.
        init?(_ text: some Sequence<UInt8>) {
            let parts = Array(text).split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard parts.count == 2, let tenant = Hex.decode(parts[0]), let name = Hex.decode(parts[1]),
                tenant.count == 16, name.count == 16
            else { return nil }
            (self.tenant, self.name) = (tenant, name)
        }

        static func tenant(_ name: String, keys: KeyRing) -> [UInt8] {
            keys.blind([Array("tenant".utf8), Array(name.utf8)])
        }

        var text: String { "\(Hex.encode(tenant)):\(Hex.encode(name))" }

        fileprivate var context: [[UInt8]] { [tenant, name, [RedisRecord.format]] }
    }

    static let format: UInt8 = 1

    let key: Key
    let sealed: [UInt8]

    init(key: Key, sealed: [UInt8]) {
        self.key = key
        self.sealed = sealed
    }

    /// Seals a record with the active key.
    init(_ record: Record, keys: KeyRing) {
        precondition(record.id.name.count <= 32 && record.id.tenant.utf8.count <= 255, "names are short")
        key = Key(of: record.id, keys: keys)
        var plain = [record.id.kind.rawValue]
        plain.reserveCapacity(11 + record.id.tenant.utf8.count + record.id.name.count + record.payload.count)
        withUnsafeBytes(of: record.end.bigEndian) { plain.append(contentsOf: $0) }
        plain.append(UInt8(record.id.tenant.utf8.count))
        plain.append(contentsOf: record.id.tenant.utf8)
        plain.append(UInt8(record.id.name.count))
        plain.append(contentsOf: record.id.name)
        plain.append(contentsOf: record.payload)
        sealed = keys.seal(plain, for: .record, context: key.context)
    }

    /// The record, and whether the active key sealed it; nil when it is not as it was written.
    func open(with keys: KeyRing) -> (record: Record, isOfActiveKey: Bool)? {
        guard let opened = try? keys.open(sealed[...], for: .record, context: key.context) else { return nil }
        var rest = opened.plain[...]
        guard let kind = rest.popFirst().flatMap(Record.Kind.init), rest.count >= 8 else { return nil }
        let end = rest.prefix(8).reduce(0) { $0 << 8 | Int64($1) }
        rest = rest.dropFirst(8)
        guard let tenant = Self.takeName(from: &rest), let name = Self.takeName(from: &rest) else { return nil }
        let id = Record.ID(kind, tenant: String(decoding: tenant, as: UTF8.self), name: Array(name))
        return (Record(id, end: end, payload: Array(rest)), opened.isOfActiveKey)
    }

    private static func takeName(from bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let count = bytes.popFirst().map({ Int($0) }), bytes.count >= count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }
}

/// Bytes as hex digits, in lower case.
enum Hex {
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in text {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            if let first = high { bytes.append(first << 4 | value) }
            high = high == nil ? value : nil
        }
        return bytes
    }
}
