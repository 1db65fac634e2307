import Testing

@testable import HTTP

/// Checks a row in every way in which its bytes can arrive.
func check<Head>(_ row: MessageCase, with makeReader: () -> MessageReader<Head>) throws {
    switch row.outcome {
    case .success(let head):
        let message = MessageReader<Head>.Message(head: head, body: Array(row.body.utf8))
        try checkAccepted(row.bytes, as: message, with: makeReader)
    case .failure(let error):
        checkRefused(row.bytes, with: error, makeReader)
    }
}

/// Checks that a part may be as large as its limit and no larger, however it arrives.
func check<Head>(_ row: LimitCase, with makeReader: (Limits) -> MessageReader<Head>) throws {
    var limits = Limits()
    row.set(&limits, row.limit)
    for size in row.limit - 1...row.limit {
        var reader = makeReader(limits)
        #expect(try reader.feed(Array(row.message(size).utf8)) != nil, "\(size)")
    }
    try check(.refused("one more", row.message(row.limit + 1), row.error)) { makeReader(limits) }
}

/// Whole with bytes of a neighbour behind it, every proper prefix, every split in two, and byte by byte.
private func checkAccepted<Head>(
    _ bytes: [UInt8], as message: MessageReader<Head>.Message, with makeReader: () -> MessageReader<Head>
) throws {
    let neighbour = Array("GET /next HTTP/1.1\r\n".utf8)
    var whole = makeReader()
    #expect(try whole.feed(bytes + neighbour) == message)
    #expect(whole.rest == neighbour)

    for end in 0..<bytes.count {
        var split = makeReader()
        if let early = try split.feed(bytes[..<end]) { Issue.record("done after \(end) bytes: \(early)") }
        #expect(try split.feed(bytes[end...]) == message, "split at \(end)")
    }

    var dripping = makeReader()
    for byte in bytes.dropLast() where try dripping.feed([byte]) != nil { Issue.record("done too early") }
    #expect(try dripping.feed(bytes.suffix(1)) == message)
}

private func checkRefused<Head>(_ bytes: [UInt8], with error: ParseError, _ makeReader: () -> MessageReader<Head>) {
    var whole = makeReader()
    #expect(throws: error) { _ = try whole.feed(bytes) }

    var dripping = makeReader()
    #expect(throws: error) {
        for byte in bytes { if try dripping.feed([byte]) != nil { return } }
    }
}
