/// Why what a server sends is no RESP, or more of it than is taken.
package enum RESPError: Error, Hashable, Sendable {
    case unknownType
    case badLength
    case badNumber
    /// A line that does not end in CRLF, or a string with something else behind it.
    case badLineEnd
    /// A push within another value.
    case misplacedPush
    case lineTooLong
    case stringTooLong
    case valueTooLong
    case tooManyElements
    case tooDeep
}
