@testable import HTTP

/// Either of the two parsers of heads.
protocol HeadParser {
    associatedtype Head: MessageHead
    init(limits: Limits)
    mutating func parse(_ bytes: Span<UInt8>) throws(ParseError) -> (head: Head, count: Int)?
}

/// What the heads of requests and responses have in common.
protocol MessageHead {
    var fields: Fields { get }
    var framing: BodyFraming { get }
    var keepsAlive: Bool { get }
    /// What it says besides, in words.
    var rest: String { get }
    /// Where the body of a message may end whose fields say this of it.
    static func framings(saying said: BodyFraming?) -> [BodyFraming]
}

extension MessageHead {
    /// All of it in words that can be compared.
    var words: String {
        rest + (keepsAlive ? "" : " close") + fields.all.map { " \($0.name)=\($0.value)" }.joined()
    }
}

extension RequestParser: HeadParser {}
extension ResponseParser: HeadParser {}

extension RequestHead: MessageHead {
    var rest: String {
        [method.name, target.segments.joined(separator: "|"), target.query ?? "-", expectsContinue ? "expects" : ""]
            .joined(separator: " ")
    }

    static func framings(saying said: BodyFraming?) -> [BodyFraming] { [said ?? .length(0)] }
}

extension ResponseHead: MessageHead {
    var rest: String { status.description }

    /// Some have no body, whatever their fields say (RFC 9112 §6.3).
    static func framings(saying said: BodyFraming?) -> [BodyFraming] { [said ?? .untilClose, .length(0)] }
}
