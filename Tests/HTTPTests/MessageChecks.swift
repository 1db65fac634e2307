import Testing

@testable import HTTP

/// Checks a row in every way in which its bytes can arrive, alone and with a neighbor behind it.
///
/// - Parameter neighbor: A message of its own, which comes whole behind one that is accepted and is never read behind one
///   that is refused.
func check<Head>(_ row: MessageCase, neighbor: MessageCase, with makeReader: () -> MessageReader<Head>) {
    let alone = outcome(of: row.bytes, with: makeReader)
    let together = outcome(of: row.bytes + neighbor.bytes, with: makeReader)
    switch (row.outcome, neighbor.outcome) {
    case (.accepted(let message), .accepted(let next)):
        #expect(alone == .init(messages: [message]))
        #expect(together == .init(messages: [message, next]))
    case (.refused(let error, _), _):
        #expect(alone == .init(refusal: error))
        #expect(together == .init(refusal: error))
    case (.accepted, .refused):
        Issue.record("a neighbor is a good one")
    }
}

/// Checks that a part may be as large as its limit and no larger, however it arrives.
func check<Head>(_ row: LimitCase, with makeReader: (Limits) -> MessageReader<Head>) {
    var limits = Limits()
    row.set(&limits, row.limit)
    for size in row.limit - 1...row.limit {
        let outcome = outcome(of: Array(row.message(size).utf8)) { makeReader(limits) }
        #expect(outcome.messages.count == 1 && outcome.refusal == nil && !outcome.isUnfinished, "\(size): \(outcome)")
    }
    #expect(outcome(of: Array(row.message(row.limit + 1).utf8)) { makeReader(limits) } == .init(refusal: row.error))
}

/// What comes of bytes, which is to be the same whole, byte by byte, and split in two anywhere.
func outcome<Head>(of bytes: [UInt8], with makeReader: () -> MessageReader<Head>) -> MessageReader<Head>.Outcome {
    func deliver(_ pieces: [ArraySlice<UInt8>]) -> MessageReader<Head>.Outcome {
        var reader = makeReader()
        for piece in pieces { reader.feed(piece) }
        return reader.outcome
    }
    let whole = deliver([bytes[...]])
    let dripping = deliver(bytes.indices.map { bytes[$0...$0] })
    if dripping != whole { Issue.record("whole: \(whole); byte by byte: \(dripping)") }
    // A message far beyond a limit is split where its time allows.
    for index in stride(from: 0, through: bytes.count, by: 1 + bytes.count * bytes.count / 200_000) {
        let split = deliver([bytes[..<index], bytes[index...]])
        if split != whole { Issue.record("whole: \(whole); split at \(index): \(split)") }
    }
    return whole
}
