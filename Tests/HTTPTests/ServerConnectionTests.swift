import Sockets
import Support
import Testing

@testable import HTTP

struct ServerConnectionTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

    // MARK: Exchanges

    @Test func `a connection carries one request after another`() async throws {
        try await withServer { server in
            let client = try server.connect()
            for path in ["a", "b", "c/d"] {
                try client.send("GET /\(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try client.receiveAnswer()
                #expect(answer.status == 200 && !answer.closes && answer.body == "GET \(path) ")
                #expect(answer.head.contains("\r\nDate: ") && answer.head.contains("\r\nContent-Type: text/plain\r\n"))
            }
        }
    }

    @Test func `a hundred requests in one segment are answered in order`() async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send((0..<100).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            for number in 0..<100 { #expect(try client.receiveAnswer().body == "GET \(number) ") }
        }
    }

    @Test func `a large answer stays between its neighbors`() async throws {
        let large = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        let answer: Handler = { request in
            request.target.segments == ["large"] ? Response(.ok, body: large) : await tell(request)
        }
        try await withServer(answering: answer) { server in
            let client = try server.connect()
            let get = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
            try client.send(Self.get + get + Self.get + "HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
            #expect(try client.receiveAnswer().body == "GET a ")
            #expect(try client.receiveAnswer().body.utf8.elementsEqual(large))
            #expect(try client.receiveAnswer().body == "GET a ")
            #expect(try client.receiveAnswer(hasBody: false).head.contains("\r\nContent-Length: \(large.count)\r\n"))
            #expect(try client.receiveAnswer().body == "GET a ")
        }
    }

    @Test func `pipelined bodies stay with their requests`() async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send(
                "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET" + Self.get
                    + "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
                    + Self.get)
            let bodies = try (0..<4).map { _ in try client.receiveAnswer().body }
            #expect(bodies == ["POST a GET", "GET a ", "POST b abc", "GET a "])
        }
    }

    @Test func `a request may come byte by byte`() async throws {
        try await withServer { server in
            let client = try server.connect()
            for byte in "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n".utf8 {
                try client.send([byte])
            }
            #expect(try client.receiveAnswer().body == "POST a ab")
        }
    }

    @Test func `HEAD has the head of GET and no body`() async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
            let answer = try client.receiveAnswer(hasBody: false)
            #expect(answer.head.contains("\r\nContent-Length: 7\r\n"))
            #expect(try client.receiveAnswer().body == "GET a ")
        }
    }

    @Test(arguments: [Status.noContent, .notModified])
    func `an answer that can have no body has none`(status: Status) async throws {
        try await withServer(answering: { _ in Response(status, body: [1, 2, 3]) }) { server in
            let client = try server.connect()
            try client.send(Self.get + Self.get)
            for _ in 0..<2 {
                let head = try client.receive(through: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 \(status) ") && !head.contains("Content-Length"))
            }
        }
    }

    @Test func `who asks whether to continue is told so once`() async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try client.send("a")
            try client.send("b")
            #expect(try client.receiveAnswer().body == "POST a ab")
        }
    }

    @Test func `who has begun with the body is not told to continue`() async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab")
            let answer = try client.receiveAnswer()
            #expect(answer.status == 200 && answer.body == "POST a ab")
        }
    }

    // MARK: Ends

    @Test(arguments: ["GET /a HTTP/1.0\r\n\r\n", "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
    func `the connection ends after the request that says so`(request: String) async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send(request + Self.get)
            let answer = try client.receiveAnswer()
            #expect(answer.closes && answer.body == "GET a ")
            #expect(try client.receiveToEnd() == "")
        }
    }

    @Test func `who has finished writing still gets the answers`() async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send(Self.get + Self.get)
            client.finishWriting()
            for _ in 0..<2 { #expect(try client.receiveAnswer().body == "GET a ") }
            #expect(try client.receiveToEnd() == "")
        }
    }

    @Test func `who leaves in the middle of a request is no trouble`() async throws {
        try await withServer { server in
            for part in ["GET", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na", "\r\n"] {
                let client = try server.connect()
                try client.send(part)
                client.resetWhenClosed()
            }
            try await server.waitUntil(connections: 0)
        }
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let status: Int
        let request: String
    }

    @Test(arguments: [
        Refusal(testDescription: "grammar", status: 400, request: "GET / HTTP/1.1\r\nA b\r\n\r\n"),
        Refusal(testDescription: "no host", status: 400, request: "GET / HTTP/1.1\r\n\r\n"),
        Refusal(testDescription: "TLS", status: 400, request: "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0"),
        Refusal(testDescription: "HTTP/2", status: 505, request: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Refusal(
            testDescription: "a bad chunk", status: 400,
            request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx"),
        Refusal(
            testDescription: "a long body", status: 413,
            request: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"),
        Refusal(
            testDescription: "a long body in chunks", status: 413,
            request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n"),
        Refusal(testDescription: "a long target", status: 414, request: "GET /" + String(repeating: "a", count: 9000)),
        Refusal(
            testDescription: "another expectation", status: 417,
            request: "GET / HTTP/1.1\r\nHost: a\r\nExpect: b\r\n\r\n"),
        Refusal(
            testDescription: "a long field", status: 431,
            request: "GET / HTTP/1.1\r\nHost: a\r\nA: " + String(repeating: "a", count: 9000)),
        Refusal(
            testDescription: "many fields", status: 431,
            request: "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: 100)),
        Refusal(
            testDescription: "another coding", status: 501,
            request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"),
        Refusal(testDescription: "another version", status: 505, request: "GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
    ])
    func `a refusal can be read although the client goes on sending`(refusal: Refusal) async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send(Self.get + refusal.request)
            try client.send([UInt8](repeating: 0x61, count: 4_000_000))
            #expect(try client.receiveAnswer().body == "GET a ", "what came before is answered")
            let answer = try client.receiveAnswer()
            #expect(answer.status == refusal.status && answer.closes && !answer.body.isEmpty)
            #expect(try client.receiveToEnd() == "", "nothing that came after is answered")
        }
    }

    @Test func `the service words its refusals`() async throws {
        try await withServer({
            $0.refusal = { status, reason in Response(status, type: "text/x", body: Array("<\(reason)>".utf8)) }
        }) { server in
            let client = try server.connect()
            try client.send("GET / HTTP/1.1\r\n\r\n")
            let answer = try client.receiveAnswer()
            #expect(answer.status == 400 && answer.body == "<no Host field>")
            #expect(answer.head.contains("\r\nContent-Type: text/x\r\n"))
        }
    }

    // MARK: Times

    @Test(arguments: [
        ("head", "GET / HTTP/1.1\r\nHo"), ("empty lines", "\r\n"),
        ("body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na"),
        ("chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
    ])
    func `a request that does not come whole in time is told so`(part: String, bytes: String) async throws {
        try await withServer({
            $0.headTimeout = .milliseconds(30)
            $0.bodyTimeout = .milliseconds(30)
        }) { server in
            let client = try server.connect()
            try client.send(bytes)
            let answer = try client.receiveAnswer()
            #expect(answer.status == 408 && answer.closes)
            #expect(try client.receiveToEnd() == "")
        }
    }

    /// Each byte comes long before the time that the whole head has.
    @Test func `a head that drips gets no more time for it`() async throws {
        try await withServer({
            $0.headTimeout = .milliseconds(100)
            $0.idleTimeout = .seconds(60)
        }) { server in
            let client = try server.connect()
            let limit = ContinuousClock.Instant.generous
            try client.send("GET /")
            let loop = try TestLoops.group.any
            while !client.hasArrived, ContinuousClock.now < limit, client.sendAtOnce([0x61]) == 1 {
                await loop.sleep(until: .now.advanced(by: .milliseconds(10)))
            }
            #expect(try client.receiveAnswer().status == 408)
            #expect(ContinuousClock.now < limit)
        }
    }

    @Test(arguments: ["", get])
    func `an idle connection is closed without a word`(before: String) async throws {
        try await withServer({ $0.idleTimeout = .milliseconds(30) }) { server in
            let client = try server.connect()
            try client.send(before)
            if !before.isEmpty { #expect(try client.receiveAnswer().status == 200) }
            #expect(try client.receiveToEnd() == "")
        }
    }

    @Test func `a client that does not read is given up`() async throws {
        try await withServer(
            { $0.writeTimeout = .milliseconds(30) },
            answering: { _ in Response(.ok, body: [UInt8](repeating: 0, count: 20_000_000)) }
        ) { server in
            let client = try server.connect()
            try client.send(Self.get)
            _ = try client.receive(through: "\r\n\r\n")
            try await server.waitUntil(connections: 0)
        }
    }

    @Test func `a client that keeps sending after its last request is given up`() async throws {
        try await withServer({ $0.lingerTimeout = .milliseconds(30) }) { server in
            let client = try server.connect()
            try client.send("GET /a HTTP/1.0\r\n\r\n")
            let deadline = ContinuousClock.Instant.generous
            while client.sendAtOnce([UInt8](repeating: 0, count: 1000)) >= 0 || server.connectionCount > 0 {
                try #require(ContinuousClock.now < deadline)
                await Task.yield()
            }
        }
    }
}
