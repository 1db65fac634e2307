/// What a server sends, RESP2 and RESP3 alike.
///
/// What only RESP3 tells apart from a RESP2 type is that type: a verbatim string or a big number is ``bytes(_:)``, a set an
/// ``array(_:)``, and a map one of keys and values in turn.
package enum RESPValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case bytes([UInt8])
    case array([RESPValue])
    /// What was sent without being asked for (RESP3).
    case push([RESPValue])
    case error(RedisRefusal)

    /// The bytes of a text; nil for anything else.
    package var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }

    /// nil for anything but an integer.
    package var integer: Int64? { if case .integer(let number) = self { number } else { nil } }

    /// The elements of an array or a push; nil for anything else.
    package var elements: [RESPValue]? {
        switch self {
        case .array(let elements), .push(let elements): elements
        default: nil
        }
    }

    /// What a map has under a name.
    subscript(name: String) -> RESPValue? {
        guard let elements else { return nil }
        let place = stride(from: 0, to: elements.count - 1, by: 2).first { elements[$0].bytes == Array(name.utf8) }
        return place.map { elements[$0 + 1] }
    }
}
