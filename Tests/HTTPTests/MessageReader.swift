@testable import HTTP

/// A message in words that can be compared.
struct Message: Equatable {
    /// Of a request, method, path, ` ?query` and ` name=value` for each field but `Host: a`; of an answer, its status and
    /// fields.
    var head: String
    var body: [UInt8]
    var keepsAlive: Bool
    var expectsContinue: Bool
}

/// Reads messages from bytes that arrive in pieces, as a connection does.
struct MessageReader<Head> {
    private let limits: Limits
    private let parse: (Span<UInt8>) throws(ParseError) -> (head: Head, count: Int)?
    private let framing: (Head) -> BodyFraming
    private let message: (Head, _ body: [UInt8]) -> Message
    private var head: Head?
    private var decoder: BodyDecoder?
    private var rest: [UInt8] = []
    private(set) var outcome = Outcome()

    /// What has come of the bytes so far.
    struct Outcome: Equatable {
        var messages: [Message] = []
        /// After this nothing is read.
        var refusal: ParseError?
        /// Whether a message has begun that is not whole.
        var isUnfinished = false
    }

    /// Takes more bytes.
    mutating func feed(_ bytes: some Collection<UInt8>) {
        guard outcome.refusal == nil else { return }
        rest += bytes
        do throws(ParseError) {
            while let message = try next() { outcome.messages.append(message) }
            outcome.isUnfinished = head != nil || !rest.isEmpty
        } catch {
            outcome.refusal = error
            outcome.isUnfinished = false
        }
    }

    private mutating func next() throws(ParseError) -> Message? {
        if head == nil, let (head, count) = try parse(rest.span) {
            self.head = head
            decoder = BodyDecoder(framing(head), limits: limits)
            rest.removeFirst(count)
        }
        guard let head, var decoder else { return nil }
        rest.removeFirst(try decoder.decode(rest.span))
        self.decoder = decoder
        guard decoder.isDone else { return nil }
        self.head = nil
        return message(head, decoder.body)
    }
}

extension MessageReader<RequestHead> {
    static func request(limits: Limits = Limits()) -> Self {
        var parser = RequestParser(limits: limits)
        return MessageReader(
            limits: limits, parse: { bytes throws(ParseError) in try parser.parse(bytes) }, framing: \.framing,
            message: { head, body in
                Message(
                    head: describe(head.method, head.target, head.fields), body: body, keepsAlive: head.keepsAlive,
                    expectsContinue: head.expectsContinue)
            })
    }
}

extension MessageReader<ResponseHead> {
    static func response(limits: Limits = Limits()) -> Self {
        var parser = ResponseParser(limits: limits)
        return MessageReader(
            limits: limits, parse: { bytes throws(ParseError) in try parser.parse(bytes) }, framing: \.framing,
            message: { head, body in
                Message(
                    head: "\(head.status)" + describe(head.fields), body: body, keepsAlive: head.keepsAlive,
                    expectsContinue: false)
            })
    }
}

/// As ``Message/head`` of a request.
func describe(_ method: Method, _ target: Target, _ fields: Fields) -> String {
    let path = target.segments.isEmpty ? "*" : target.segments.map { "/" + $0 }.joined()
    return "\(method) \(path)" + (target.query.map { " ?\($0)" } ?? "") + describe(fields)
}

private func describe(_ fields: Fields) -> String {
    fields.all.filter { $0 != ("Host", "a") }.map { " \($0.name)=\($0.value)" }.joined()
}
