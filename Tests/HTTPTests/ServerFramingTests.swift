import Support
import Synchronization
import Testing

@testable import HTTP

/// The table of framing over real sockets: what the parser says is what the client sees.
struct ServerFramingTests {
    @Test func `what is refused is answered with its status, and nothing behind it is`() async throws {
        let seen = SeenRequests()
        try await withServer(answering: seen.answer) { server in
            for row in FramingCases.all {
                guard case .refused(let error, let status) = row.outcome else { continue }
                let client = try server.connect()
                try client.send(row.bytes + FramingCases.neighbor.bytes)
                let answers = outcome(of: try client.receiveToEnd())
                guard answers.messages.count == 1, let answer = answers.messages.first, !answers.isUnfinished else {
                    Issue.record("\(row.name): \(answers)")
                    continue
                }
                #expect(answer.head.hasPrefix("\(status) Date="), "\(row.name)")
                #expect(!answer.keepsAlive && answer.body == Array("\(error.reason)\n".utf8), "\(row.name)")
                #expect(seen.take() == [], "\(row.name)")
            }
        }
    }

    @Test func `what is accepted is answered, and so is its neighbor unless the connection ends`() async throws {
        let seen = SeenRequests()
        try await withServer(answering: seen.answer) { server in
            for row in FramingCases.all {
                guard case .accepted(let message) = row.outcome else { continue }
                let client = try server.connect()
                try client.send(row.bytes + FramingCases.neighbor.bytes)
                client.finishWriting()
                let answers = outcome(of: try client.receiveToEnd())
                #expect(!answers.isUnfinished && answers.refusal == nil, "\(row.name)")
                #expect(answers.messages.allSatisfy { $0.head.hasPrefix("204 Date=") }, "\(row.name)")
                #expect(
                    answers.messages.map(\.keepsAlive) == (message.keepsAlive ? [true, true] : [false]), "\(row.name)")
                let next = message.keepsAlive ? ["GET /next Host=b"] : []
                #expect(
                    seen.take() == [message.head + " " + String(decoding: message.body, as: UTF8.self)]
                        + next.map { $0 + " " }, "\(row.name)")
            }
        }
    }

    @Test(arguments: [
        ("a method", "GE"), ("a target", "GET /a"), ("a version", "GET / HTTP/1."),
        ("a request line", "GET / HTTP/1.1\r\n"),
        ("an empty line before it", "\r\n\r"), ("a line's CR", "GET / HTTP/1.1\r"),
        ("a field's name", "GET / HTTP/1.1\r\nHost"), ("a field's value", "GET / HTTP/1.1\r\nHost: a"),
        ("a field", "GET / HTTP/1.1\r\nHost: a\r\n"), ("the last CR", "GET / HTTP/1.1\r\nHost: a\r\n\r"),
        ("a head that has a length", FramingCases.length("5", body: "")),
        ("a body by length", FramingCases.length("5", body: "hell")),
        ("a head that has a coding", FramingCases.chunked("")), ("a size", FramingCases.chunked("5")),
        ("an extension", FramingCases.chunked("5;a=\"b")), ("a size line", FramingCases.chunked("5\r\n")),
        ("a chunk", FramingCases.chunked("5\r\nhell")), ("a chunk's CRLF", FramingCases.chunked("5\r\nhello\r")),
        ("the last chunk", FramingCases.chunked("5\r\nhello\r\n")), ("the last size", FramingCases.chunked("0")),
        ("the trailers", FramingCases.chunked("0\r\n")), ("a trailer", FramingCases.chunked("0\r\nA: b")),
        ("the last empty line", FramingCases.chunked("0\r\n\r")),
    ])
    func `a request that ends early reaches nobody and gets no answer`(part: String, text: String) async throws {
        let seen = SeenRequests()
        try await withServer(answering: seen.answer) { server in
            let client = try server.connect()
            try client.send(text)
            client.finishWriting()
            #expect(try client.receiveToEnd() == "")
            #expect(seen.take() == [])
        }
    }

    /// The answers in what a client has received.
    private func outcome(of received: String) -> MessageReader<ResponseHead>.Outcome {
        var reader = MessageReader.response()
        reader.feed(Array(received.utf8))
        return reader.outcome
    }
}

/// Remembers what reached the handler, head and body.
private final class SeenRequests: Sendable {
    private let requests = Mutex<[String]>([])

    @Sendable func answer(_ request: Request) async -> Response {
        let head = describe(request.method, request.target, request.fields)
        requests.withLock { $0.append("\(head) \(String(decoding: request.body, as: UTF8.self))") }
        return Response(.noContent)
    }

    /// Those since the last call.
    func take() -> [String] {
        requests.withLock { requests in
            defer { requests = [] }
            return requests
        }
    }
}
