import Support
import Testing

@testable import HTTP

/// Valid messages with a few bytes changed, in random pieces: whatever comes of it, it is the same as in one piece.
struct MutationTests {
    @Test func `no change makes the request parser trap, or judge by how the bytes came`() {
        mutate(FramingCases.all.filter { $0.bytes.count < 300 }, times: 10) { .request() }
    }

    @Test func `no change makes the response parser trap, or judge by how the bytes came`() {
        mutate(
            [
                .accepted("length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", as: ""),
                .accepted(
                    "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nA: b\r\n\r\n",
                    as: ""),
                .accepted("interim", "HTTP/1.1 100 Continue\r\n\r\n", as: ""),
            ], times: 100
        ) { .response() }
    }

    @Test func `no change makes the other readers trap`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = RandomNumbers(seed: seed)
        let texts = [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Basic QWxhZGRpbjpvcGVu", "a=b&c=%41+d", "https://[::1]:8443/a?b",
        ]
        for text in texts {
            for _ in 0..<2000 {
                var bytes = Array(text.utf8)
                bytes.mutate(using: &random)
                let changed = String(decoding: bytes, as: UTF8.self)
                if let url = HTTPURL(changed) { #expect(HTTPURL(url.description) == url, "seed \(seed)") }
                if let date = HTTPDate.parse(changed) {
                    #expect(HTTPDate.parse(HTTPDate.format(date)) == date, "seed \(seed)")
                }
                if let form = try? FormBody(parsing: bytes) {
                    #expect((try? FormBody(parsing: form.encoded)) == form, "seed \(seed)")
                }
                if let basic = BasicCredentials(field: changed) {
                    #expect(BasicCredentials(field: basic.field) == basic, "seed \(seed)")
                }
            }
        }
    }

    private func mutate<Head>(_ rows: [MessageCase], times: Int, with makeReader: () -> MessageReader<Head>) {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = RandomNumbers(seed: seed)
        for row in rows {
            for _ in 0..<times {
                var bytes = row.bytes
                bytes.mutate(using: &random)
                var whole = makeReader()
                whole.feed(bytes)
                var pieces = makeReader()
                for piece in bytes.inPieces(using: &random) { pieces.feed(piece) }
                guard whole.outcome != pieces.outcome else { continue }
                Issue.record("seed \(seed): \(String(reflecting: String(decoding: bytes, as: UTF8.self)))")
            }
        }
    }
}

extension [UInt8] {
    /// Flips, inserts or removes up to three bytes.
    fileprivate mutating func mutate(using random: inout RandomNumbers) {
        for _ in 0..<Int.random(in: 1...3, using: &random) where !isEmpty {
            let index = Int.random(in: 0..<count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: self[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: remove(at: index)
            case 2: insert(UInt8.random(in: 0...255, using: &random), at: index)
            case 3: insert("\r\n:; ,%/0\0\t"[...].utf8.randomElement(using: &random) ?? 0, at: index)
            default: insert(contentsOf: self[index..<Swift.min(count, index + 8)], at: index)
            }
        }
    }

    fileprivate func inPieces(using random: inout RandomNumbers) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = self[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...Swift.min(rest.count, 12), using: &random)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
