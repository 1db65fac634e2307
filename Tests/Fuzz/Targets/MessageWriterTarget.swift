@testable import HTTP

extension FuzzTarget {
    /// An answer with values and a body from anywhere: what is written reads back as that answer and nothing more.
    static let messageWriter = FuzzTarget(name: "message-writer") { input in
        let lines = input.dropFirst().split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
        let names: [StaticString] = ["ETag", "WWW-Authenticate"]
        var response = Response(Status(200 + Int(input.first ?? 0)), body: lines.count == 3 ? Array(lines[2]) : [])
        for (name, value) in zip(names, lines) { response.fields.append(name, String(decoding: value, as: UTF8.self)) }
        let hasBody = response.status != .noContent && response.status != .notModified
        for keepsAlive in [true, false] {
            var written: [UInt8] = []
            MessageWriter().append(
                response, id: RequestID(1), omitsBody: false, keepsAlive: keepsAlive, to: &written)
            var parser = ResponseParser(limits: Limits())
            let (head, count) = try required(parser.parse(written.span), "the head is whole")
            try require(head.status == response.status && head.keepsAlive == keepsAlive, "the same status line")
            // Date, X-Request-Id; Content-Length, Connection.
            let own = 2 + (hasBody ? 1 : 0) + (keepsAlive ? 0 : 1)
            try require(head.fields.count == response.fields.count + own, "no field is smuggled in")
            for name in names where response.fields.count(of: name) == 1 {
                try require(head.fields[name] == response.fields[name].map(trimmed), "the same fields")
            }
            let body = written.dropFirst(count)
            try require(head.framing == .length(hasBody ? response.body.count : 0), "the length of the body")
            try require(body.elementsEqual(hasBody ? response.body : []), "the same body")
        }
    }
}

/// A value as it comes out of a message: without blanks at its ends (RFC 9110 §5.5).
private func trimmed(_ value: String) -> String {
    let start = value.utf8.drop { $0 == 0x20 }
    return String(decoding: start.prefix(start.count - start.reversed().prefix { $0 == 0x20 }.count), as: UTF8.self)
}
