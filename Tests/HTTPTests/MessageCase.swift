import Testing

@testable import HTTP

/// One row of a table of messages: the bytes, and what they are.
struct MessageCase: CustomTestStringConvertible, Sendable {
    enum Outcome: Sendable {
        case accepted(Message)
        /// With which status a request is refused.
        case refused(ParseError, status: Int)
    }

    let name: String
    let bytes: [UInt8]
    let outcome: Outcome

    var testDescription: String { name }

    /// - Parameter head: As ``Message/head``.
    static func accepted(
        _ name: String, _ text: String, as head: String, body: String = "", closes: Bool = false,
        continues: Bool = false
    ) -> MessageCase {
        accepted(name, bytes: Array(text.utf8), as: head, body: Array(body.utf8), closes: closes, continues: continues)
    }

    static func accepted(
        _ name: String, bytes: [UInt8], as head: String, body: [UInt8] = [], closes: Bool = false,
        continues: Bool = false
    ) -> MessageCase {
        let message = Message(head: head, body: body, keepsAlive: !closes, expectsContinue: continues)
        return MessageCase(name: name, bytes: bytes, outcome: .accepted(message))
    }

    static func refused(_ name: String, _ text: String, _ error: ParseError, _ status: Int = 400) -> MessageCase {
        refused(name, bytes: Array(text.utf8), error, status)
    }

    static func refused(
        _ name: String, bytes: [UInt8], _ error: ParseError, _ status: Int = 400
    ) -> MessageCase {
        MessageCase(name: name, bytes: bytes, outcome: .refused(error, status: status))
    }
}

/// How large one part of a message may be, and the message that makes it so large.
struct LimitCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let limit: Int
    let error: ParseError
    let set: @Sendable (inout Limits, Int) -> Void
    let message: @Sendable (Int) -> String

    init(
        _ name: String, _ limit: Int, _ error: ParseError, set: @escaping @Sendable (inout Limits, Int) -> Void,
        message: @escaping @Sendable (Int) -> String
    ) {
        testDescription = name
        self.limit = limit
        self.error = error
        self.set = set
        self.message = message
    }
}

/// Lines, and the empty one that ends them.
func head(_ lines: String...) -> String { lines.map { $0 + "\r\n" }.joined() + "\r\n" }

func letters(_ count: Int) -> String { String(repeating: "a", count: count) }
