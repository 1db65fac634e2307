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

    @Test func `an answer does not wait for that of a slow request behind it`() async throws {
        let (hasBegun, mayEnd) = (Gate(), Gate())
        try await withServer(answering: { request in
            if request.target.segments == ["slow"] {
                hasBegun.open()
                await mayEnd.wait()
            }
            return await tell(request)
        }) { server in
            let client = try server.connect()
            try client.send(Self.get + Self.get + "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
            await hasBegun.wait()
            for _ in 0..<2 { #expect(try client.receiveAnswer().body == "GET a ") }
            mayEnd.open()
            #expect(try client.receiveAnswer().body == "GET slow ")
            #expect(try client.receiveAnswer().body == "GET a ")
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

    @Test(arguments: ["GET", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na", "\r\n", ""])
    func `who finishes in the middle of a request gets no answer`(part: String) async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send(part)
            client.finishWriting()
            #expect(try client.receiveToEnd() == "")
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
            request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        Refusal(testDescription: "another version", status: 505, request: "GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
    ])
    func `a refusal can be read although the client goes on sending`(refusal: Refusal) async throws {
        try await withServer({ $0.lingerTimeout = .seconds(600) }) { server in
            let client = try server.connect()
            try client.send(Self.get + refusal.request)
            try client.send([UInt8](repeating: 0x61, count: 4_000_000))
            #expect(try client.receiveAnswer().body == "GET a ", "what came before is answered")
            let answer = try client.receiveAnswer()
            #expect(answer.status == refusal.status && answer.closes && !answer.body.isEmpty)
            #expect(try client.receiveToEnd() == "", "nothing that came after is answered")
        }
    }

    @Test(arguments: [
        ("HEAD / HTTP/1.1\r\n\r\n", 400), ("HEAD / HTTP/1.1\r\nHost: a\r\nA : b\r\n", 400),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx", 400),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nExpect: b\r\n\r\n", 417),
    ])
    func `a refused HEAD gets no body`(_ request: String, _ status: Int) async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send(request)
            let answer = try client.receiveToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.hasSuffix("\r\n\r\n"), "\(answer)")
        }
    }

    @Test func `large answers that nobody reads are held only so far`() async throws {
        let large = [UInt8](repeating: UInt8(ascii: "x"), count: 8 << 20)
        let configure = { (configuration: inout HTTPServer.Configuration) in
            configuration.answerBudget = 1 << 20
            configuration.writeTimeout = .seconds(600)
        }
        try await withServer(configure, answering: { _ in Response(.ok, body: large) }) { server in
            let reader = try server.connect()
            try reader.send(Self.get)
            let limit = ContinuousClock.Instant.generous
            while server.answerBudget.used == 0, ContinuousClock.now < limit { await Task.yield() }
            #expect(server.answerBudget.used == large.count, "one is taken, however large")
            let other = try server.connect()
            try other.send(Self.get)
            let refusal = try other.receiveAnswer()
            #expect(refusal.status == 503 && refusal.closes)
            #expect(try reader.receiveAnswer().body.utf8.count == large.count)
            while server.answerBudget.used > 0, ContinuousClock.now < limit { await Task.yield() }
            try reader.send(Self.get)
            #expect(try reader.receiveAnswer().status == 200)
        }
    }

    @Test func `a request that came whole is worked on although its client has gone`() async throws {
        let (gate, second) = (Gate(), Gate())
        let answer: Handler = { request in
            await (request.method == .post ? second : gate).wait()
            return await tell(request)
        }
        try await withServer(answering: answer) { server in
            var client: RawConnection? = try server.connect()
            try client?.send(Self.get + "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
            await gate.visitor()
            client?.resetWhenClosed()
            client = nil
            gate.open()
            // Hangs if it is not.
            await second.visitor()
            second.open()
        }
    }

    @Test func `urgent data in a request keeps nothing from being read`() async throws {
        try await withServer { server in
            // The server has to look just when it is there, so once would prove little.
            for _ in 0..<100 {
                let client = try server.connect()
                try client.send("GET /a HT")
                client.sendUrgent(UInt8(ascii: "!"))
                try client.send("TP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.receiveAnswer().status == 200)
            }
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
        ("head", "GET / HTTP/1.1\r\nHo"), ("head after an empty line", "\r\nG"),
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

    /// Each byte comes long before the time that the whole has.
    @Test(arguments: [
        ("head", "GET /", 408), ("body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n", 408),
        ("chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nea60\r\n", 408),
    ])
    func `a request that drips gets no more time for it`(part: String, beginning: String, status: Int) async throws {
        try await withServer({
            $0.headTimeout = .milliseconds(100)
            $0.bodyTimeout = .milliseconds(100)
            $0.idleTimeout = .seconds(60)
        }) { server in
            let client = try server.connect()
            let limit = ContinuousClock.Instant.generous
            try client.send(beginning)
            try await drip("a", into: client, until: limit)
            #expect(try client.receiveAnswer().status == status)
            #expect(ContinuousClock.now < limit)
        }
    }

    @Test func `an idle connection that drips empty lines gets no more time for it`() async throws {
        try await withServer({
            $0.headTimeout = .seconds(60)
            $0.idleTimeout = .milliseconds(100)
            // However many come before a busy server looks at its deadlines.
            $0.limits.emptyLines = .max
        }) { server in
            let client = try server.connect()
            let limit = ContinuousClock.Instant.generous
            try await drip("\r\n", into: client, until: limit)
            #expect(try client.receiveToEnd() == "")
            #expect(ContinuousClock.now < limit)
        }
    }

    /// Sends the text every ten milliseconds until something arrives.
    private func drip(_ text: String, into client: RawConnection, until limit: ContinuousClock.Instant) async throws {
        let loop = try TestLoops.group.any
        while !client.hasArrived, ContinuousClock.now < limit, client.sendAtOnce(Array(text.utf8)) > 0 {
            await loop.sleep(until: .now.advanced(by: .milliseconds(10)))
        }
    }

    @Test(arguments: ["", get, "\r\n", get + "\r\n", "\r"])
    func `an idle connection is closed without a word`(before: String) async throws {
        try await withServer({ $0.idleTimeout = .milliseconds(30) }) { server in
            let client = try server.connect()
            try client.send(before)
            if before.hasPrefix(Self.get) { #expect(try client.receiveAnswer().status == 200) }
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

    @Test func `a client that reads a little at a time is given up`() async throws {
        let size = 20_000_000
        try await withServer(
            { $0.writeTimeout = .milliseconds(100) },
            answering: { _ in Response(.ok, body: [UInt8](repeating: 0, count: size)) }
        ) { server in
            let client = try server.connect()
            try client.send(Self.get)
            _ = try client.receive(through: "\r\n\r\n")
            let loop = try TestLoops.group.any
            let limit = ContinuousClock.Instant.generous
            while server.connectionCount > 0, ContinuousClock.now < limit {
                _ = try client.receive(count: 1000)
                await loop.sleep(until: .now.advanced(by: .milliseconds(5)))
            }
            #expect(ContinuousClock.now < limit)
        }
    }

    @Test func `a client that asks without end and reads nothing is given up`() async throws {
        try await withServer({ $0.writeTimeout = .milliseconds(30) }) { server in
            let client = try server.connect()
            let requests = Array(String(repeating: Self.get, count: 100).utf8)
            let deadline = ContinuousClock.Instant.generous
            // Until the connection is closed: what is cut off where it does not fit goes on with the next.
            var rest = requests[...]
            while server.connectionCount > 0 || !client.hasArrived {
                try #require(ContinuousClock.now < deadline)
                rest = rest.dropFirst(max(0, client.sendAtOnce(Array(rest))))
                if rest.isEmpty { rest = requests[...] }
                await Task.yield()
            }
        }
    }

    @Test func `a client that keeps sending after its last request is given up by its bytes too`() async throws {
        try await withServer({ $0.lingerTimeout = .seconds(600) }) { server in
            let client = try server.connect()
            try client.send("GET /a HTTP/1.0\r\n\r\n")
            let deadline = ContinuousClock.Instant.generous
            var sent = 0
            let junk = [UInt8](repeating: 0, count: 10_000)
            while server.connectionCount > 0 || sent < 8 << 20 {
                try #require(ContinuousClock.now < deadline)
                sent += max(0, client.sendAtOnce(junk))
                await Task.yield()
            }
        }
    }

    // MARK: Memory

    @Test func `large bodies have a bound in all, and small ones are taken beyond it`() async throws {
        let large = [UInt8](repeating: 0x61, count: 10_000)
        let begun = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n"
        let configure = { (configuration: inout HTTPServer.Configuration) in
            configuration.bodyBudget = configuration.limits.bodyBytes
            configuration.bodyTimeout = .seconds(600)
        }
        try await withServer(configure) { server in
            let first = try server.connect()
            try first.send(Array(begun.utf8) + large.dropLast())
            while server.bodyBudget.used == 0 { await Task.yield() }

            let second = try server.connect()
            try second.send(Array(begun.utf8) + large.dropLast())
            let refusal = try second.receiveAnswer()
            #expect(refusal.status == 503 && refusal.closes)
            let third = try server.connect()
            for size in [1, 4096] {
                try third.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: \(size + 1)\r\n\r\n")
                try third.send(Array(large.prefix(size)))
                try third.send("b")
                #expect(try third.receiveAnswer().status == 200)
            }

            try first.send("a")
            #expect(try first.receiveAnswer().status == 200)
            #expect(server.bodyBudget.used == 0)
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
