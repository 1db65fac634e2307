@testable import HTTP

/// Reads messages from a peer's bytes as a connection does.
struct Reader<Parser: HeadParser> {
    /// A message whose head is there.
    private struct Begun {
        var head: Parser.Head
        var start: Int
        var bodyStart: Int
        var body: BodyDecoder
    }

    private let limits: Limits
    private var parser: Parser
    private var begun: Begun?
    private var pending: [UInt8] = []
    private var taken = 0
    private var transcript = Transcript()

    private init(limits: Limits) {
        self.limits = limits
        parser = Parser(limits: limits)
    }

    /// Reads `pieces` one after the other; then the peer closes.
    static func read(_ pieces: [ArraySlice<UInt8>], limits: Limits) -> Transcript {
        var reader = Reader(limits: limits)
        do throws(ParseError) {
            for piece in pieces { try reader.receive(piece) }
            try reader.finish()
        } catch { reader.transcript.ending = .refused(error) }
        return reader.transcript
    }

    private mutating func receive(_ piece: ArraySlice<UInt8>) throws(ParseError) {
        pending += piece
        while transcript.ending == .waiting, begun == nil ? try readHead() : try readBody() {}
    }

    private mutating func finish() throws(ParseError) {
        guard let begun, begun.head.framing == .untilClose else { return }
        try begun.body.finish()
        complete(begun)
    }

    /// - Returns: Whether it was whole, so that there may be more to read.
    private mutating func readHead() throws(ParseError) -> Bool {
        let bytes = pending
        guard let (head, count) = try parser.parse(bytes.span) else { return false }
        begun = Begun(
            head: head, start: taken, bodyStart: taken + count, body: BodyDecoder(head.framing, limits: limits))
        take(count)
        return true
    }

    private mutating func readBody() throws(ParseError) -> Bool {
        guard var current = begun else { return false }
        // Else what it has of the body would be copied.
        begun = nil
        take(try current.body.decode(pending.span))
        begun = current
        transcript.largestBody = max(transcript.largestBody, current.body.body.count)
        if current.body.isDone { complete(current) }
        return current.body.isDone
    }

    private mutating func take(_ count: Int) {
        // Traps when it is more than was given.
        pending.removeFirst(count)
        taken += count
    }

    private mutating func complete(_ message: Begun) {
        let head = message.head
        transcript.messages.append(
            .init(
                head: head.words, fieldCount: head.fields.count, framing: head.framing, body: message.body.body,
                start: message.start, bodyStart: message.bodyStart, end: taken))
        begun = nil
        if !head.keepsAlive { transcript.ending = .closed }
    }
}
