import HTTP

/// A JSON text (RFC 8259) whose objects keep the order they are written in, as vendors show theirs.
///
/// `JSONEncoder` orders members by their names or not at all.
enum JSON: Sendable {
    case null
    case integer(Int)
    /// A finite number; anything else becomes `null`.
    case number(Double)
    case string(String)
    case array([JSON])
    case object([(name: String, value: JSON)])

    /// The text in UTF-8, without white space.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return bytes
    }

    private func write(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .integer(let value): bytes.append(decimal: value)
        case .number(let value): bytes.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
        case .string(let text): bytes.append(json: text)
        case .array(let items):
            Self.write(items, between: ("[", "]"), into: &bytes) { $0.write(into: &$1) }
        case .object(let members):
            Self.write(members, between: ("{", "}"), into: &bytes) { member, bytes in
                bytes.append(json: member.name)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(into: &bytes)
            }
        }
    }

    private static func write<Item>(
        _ items: [Item], between brackets: (Unicode.Scalar, Unicode.Scalar), into bytes: inout [UInt8],
        _ write: (Item, inout [UInt8]) -> Void
    ) {
        bytes.append(UInt8(ascii: brackets.0))
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            write(item, &bytes)
        }
        bytes.append(UInt8(ascii: brackets.1))
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(arrayLiteral items: JSON...) { self = .array(items) }
    init(dictionaryLiteral members: (String, JSON)...) { self = .object(members) }
    init(nilLiteral: ()) { self = .null }
}
