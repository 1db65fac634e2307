import Testing

@testable import HTTP

/// Reads one message from bytes that arrive in pieces, as a connection does.
struct MessageReader<Head> {
    /// A head and its body, in words that can be compared.
    struct Message: Equatable {
        var head: String
        var body: [UInt8]
    }

    private let limits: Limits
    private let parse: (Span<UInt8>) throws(ParseError) -> (head: Head, count: Int)?
    private let framing: (Head) -> BodyFraming
    private let describe: (Head) -> String
    private var head: Head?
    private var decoder: BodyDecoder?
    /// What has arrived and is not used up.
    private(set) var rest: [UInt8] = []

    /// Takes more bytes; nil as long as the message is not whole.
    mutating func feed(_ bytes: some Collection<UInt8>) throws(ParseError) -> Message? {
        rest += bytes
        if head == nil, let (head, count) = try parse(rest.span) {
            self.head = head
            decoder = BodyDecoder(framing(head), limits: limits)
            rest.removeFirst(count)
        }
        guard let head, var decoder else { return nil }
        rest.removeFirst(try decoder.decode(rest.span))
        self.decoder = decoder
        return decoder.isDone ? Message(head: describe(head), body: decoder.body) : nil
    }
}

extension MessageReader<RequestHead> {
    static func request(limits: Limits = Limits()) -> Self {
        var parser = RequestParser(limits: limits)
        return MessageReader(
            limits: limits, parse: { bytes throws(ParseError) in try parser.parse(bytes) }, framing: \.framing,
            describe: { head in
                "\(head.method) \(head.target.segments.joined(separator: "|"))"
                    + (head.target.query.map { "?\($0)" } ?? "")
                    + (head.keepsAlive ? "" : " close") + (head.expectsContinue ? " continue" : "")
                    + head.fields.all.map { " \($0.name)=\($0.value)" }.joined()
            })
    }
}

extension MessageReader<ResponseHead> {
    static func response(limits: Limits = Limits()) -> Self {
        var parser = ResponseParser(limits: limits)
        return MessageReader(
            limits: limits, parse: { bytes throws(ParseError) in try parser.parse(bytes) }, framing: \.framing,
            describe: { head in
                "\(head.status)" + (head.keepsAlive ? "" : " close")
                    + head.fields.all.map { " \($0.name)=\($0.value)" }.joined()
            })
    }
}

/// One row of a table of messages.
struct MessageCase: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    let outcome: Result<String, ParseError>
    let body: String

    var testDescription: String { name }

    /// A message that is taken; `head` is as ``MessageReader`` words it.
    static func accepted(_ name: String, _ text: String, head: String, body: String = "") -> MessageCase {
        MessageCase(name: name, bytes: Array(text.utf8), outcome: .success(head), body: body)
    }

    static func refused(_ name: String, _ text: String, _ error: ParseError) -> MessageCase {
        refused(name, bytes: Array(text.utf8), error)
    }

    static func refused(_ name: String, bytes: [UInt8], _ error: ParseError) -> MessageCase {
        MessageCase(name: name, bytes: bytes, outcome: .failure(error), body: "")
    }
}

/// How large one part of a message may be, and the message that makes it so large.
struct LimitCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let limit: Int
    let error: ParseError
    let set: @Sendable (inout Limits, Int) -> Void
    let message: @Sendable (Int) -> String
}
