@testable import HTTP

/// What must hold of every connection, whichever way its messages go.
enum Framing {
    /// Limits that a short input can reach.
    static let small: Limits = {
        var limits = Limits()
        limits.startLineBytes = 48
        limits.fieldLineBytes = 40
        limits.fieldCount = 6
        limits.headBytes = 160
        limits.bodyBytes = 48
        limits.chunkOverheadBytes = 40
        limits.chunkExtensionBytes = 16
        limits.emptyLines = 1
        limits.methodBytes = 8
        return limits
    }()

    /// The messages are the same however they arrive, no larger than the limits, and each the same without its neighbours.
    ///
    /// - Returns: What the input is taken for within the usual limits.
    static func check<Parser: HeadParser>(_ input: [UInt8], with _: Parser.Type) throws(Violation) -> Transcript {
        let usual = try check(input, Parser.self, limits: Limits())
        let small = try check(input, Parser.self, limits: small)
        try require(
            usual.messages.starts(with: small.messages), "small limits change what is refused, not what is read")
        for message in usual.messages {
            let said = try said(by: input[message.start..<message.bodyStart])
            try require(
                Parser.Head.framings(saying: said).contains(message.framing), "its fields say where a message ends")
            var alone = message
            alone.start = 0
            alone.bodyStart -= message.start
            alone.end -= message.start
            let again = Reader<Parser>.read([input[message.start..<message.end]], limits: Limits())
            try require(again.messages == [alone], "a message reads the same without its neighbours: \(message.head)")
        }
        return usual
    }

    private static func check<Parser: HeadParser>(
        _ input: [UInt8], _: Parser.Type, limits: Limits
    ) throws(Violation) -> Transcript {
        let whole = Reader<Parser>.read([input[...]], limits: limits)
        for pieces in Delivery.all(of: input) {
            let transcript = Reader<Parser>.read(pieces, limits: limits)
            try require(
                transcript.messages == whole.messages && transcript.ending == whole.ending,
                "in \(pieces.count) pieces: \(transcript), whole: \(whole)")
            try require(transcript.largestBody <= limits.bodyBytes, "no body is over its limit")
        }
        for message in whole.messages {
            try require(message.bodyStart - message.start <= limits.headBytes, "no head is over its limit")
            try require(message.fieldCount <= limits.fieldCount, "no more fields than the limit")
            try require(
                message.end - message.bodyStart - message.body.count <= limits.chunkOverheadBytes,
                "no more chunk framing than the limit")
        }
        return whole
    }

    /// Where a lax peer, with whom we must not disagree, would take a message's body to end; nil when the head does not say.
    static func said(by head: ArraySlice<UInt8>) throws(Violation) -> BodyFraming? {
        // After the last LF there is nothing.
        let lines = head.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
        var said: [BodyFraming] = []
        for line in lines.drop(while: { $0 == [0x0D] }).dropFirst() where line != [0x0D] {
            try require(line.last == 0x0D, "every line ends in CRLF")
            try require(
                line.dropLast().allSatisfy { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F }, "no control characters in fields"
            )
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            try require(parts.count == 2, "every field has a colon")
            let words = parts.map { String(decoding: $0.filter { $0 > 0x20 }, as: UTF8.self).lowercased() }
            if words[0] == "content-length" { said.append(.length(Int(words[1]) ?? -1)) }
            if words[0] == "transfer-encoding" { said.append(.chunked) }
        }
        try require(said.count <= 1, "one field at most says where the body ends")
        return said.first
    }
}
