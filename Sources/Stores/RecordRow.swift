import Sealing
import TokenBroker

/// A record as it stands in the file.
///
/// In clear are its kind, its tenant and when it ends; `name` is blinded. What is sealed is bound to all of them but the
/// end, which is within:
///
/// | bytes | what                                    |
/// |-------|-----------------------------------------|
/// | 8     | when it ends, highest byte first        |
/// | 1     | how many bytes the record's name has    |
/// | any   | the record's name                       |
/// | any   | its payload                             |
struct RecordRow {
    /// What a row is found by.
    struct Key {
        var kind: UInt8
        var tenant: String
        var name: [UInt8]

        init(kind: UInt8, tenant: String, name: [UInt8]) {
            self.kind = kind
            self.tenant = tenant
            self.name = name
        }

        /// The key of the record with that id.
        init(of id: Record.ID, keys: KeyRing) {
            self.init(
                kind: id.kind.rawValue, tenant: id.tenant,
                name: keys.blind([[id.kind.rawValue], Array(id.tenant.utf8), id.name]))
        }

        fileprivate var context: [[UInt8]] { [[kind], Array(tenant.utf8), name, [RecordRow.format]] }
    }

    private static let format: UInt8 = 1

    var key: Key
    var end: Int64
    var sealed: [UInt8]

    init(key: Key, end: Int64, sealed: [UInt8]) {
        self.key = key
        self.end = end
        self.sealed = sealed
    }

    /// Seals a record with the active key.
    init(_ record: Record, keys: KeyRing) {
        precondition(record.id.name.count <= 32, "a name has 32 bytes at most")
        let key = Key(of: record.id, keys: keys)
        var plain: [UInt8] = []
        plain.reserveCapacity(9 + record.id.name.count + record.payload.count)
        withUnsafeBytes(of: record.end.bigEndian) { plain.append(contentsOf: $0) }
        plain.append(UInt8(record.id.name.count))
        plain.append(contentsOf: record.id.name)
        plain.append(contentsOf: record.payload)
        self.init(key: key, end: record.end, sealed: keys.seal(plain, for: .record, context: key.context))
    }

    /// The record; nil when the row is not as it was written.
    func open(with keys: KeyRing) -> Record? {
        guard let kind = Record.Kind(rawValue: key.kind),
            let plain = try? keys.open(sealed[...], for: .record, context: key.context).plain,
            plain.count >= 9, plain.count >= 9 + Int(plain[8]),
            plain.prefix(8).reduce(0, { $0 << 8 | Int64($1) }) == end
        else { return nil }
        let name = plain[9...].prefix(Int(plain[8]))
        return Record(
            .init(kind, tenant: key.tenant, name: Array(name)), end: end, payload: Array(plain[name.endIndex...]))
    }
}
