import Support
import Testing

@testable import HTTP
@testable import Sockets

/// The client against a server of literal bytes: the test itself plays that server.
struct HTTPClientTests {
    private let listener: RawListener
    private let tls: TLSContext

    init() throws {
        listener = try RawListener()
        tls = try Self.untrusting.get()
    }

    private static let untrusting = Result { try TLSContext.client() }
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    // MARK: Requests and answers

    @Test func `a request is written as the standard has it`() async throws {
        var fields = Fields()
        fields.append("Authorization", "Basic YTpi\r\nX: y")
        let exchange = try send(.post, "/a?b=c", fields: fields, body: Array("d=e".utf8))
        let peer = try listener.accept()
        #expect(
            try peer.receive(through: "d=e")
                == "POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:\(listener.port)\r\nAuthorization: Basic YTpi  X: y\r\n"
                + "Content-Length: 3\r\n\r\nd=e")
        try peer.send(Self.answer)
        let response = try await exchange.value
        #expect(response.status == .ok && response.body == Array("hello".utf8))
    }

    struct Script: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var method = Method.get
        let bytes: String
        let outcome: Result<String, HTTPClientError>
    }

    @Test(arguments: [
        Script(
            testDescription: "chunks", bytes: ok("Transfer-Encoding: chunked") + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            outcome: .success("200 abc")),
        Script(testDescription: "until the close", bytes: ok("A: b") + "abc", outcome: .success("200 abc")),
        Script(testDescription: "HTTP/1.0", bytes: "HTTP/1.0 200 OK\r\n\r\nabc", outcome: .success("200 abc")),
        Script(
            testDescription: "a redirect",
            bytes: "HTTP/1.1 307 \r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            outcome: .success("307 ")),
        Script(
            testDescription: "Basic refused",
            bytes: "HTTP/1.1 401 \r\nWWW-Authenticate: Basic\r\nContent-Length: 1\r\n\r\nx",
            outcome: .success("401 x")),
        Script(testDescription: "interim answers", bytes: interim(4) + answer, outcome: .success("200 hello")),
        Script(
            testDescription: "too many interim answers", bytes: interim(5) + answer,
            outcome: .failure(.malformed(.badStatusLine))),
        Script(
            testDescription: "another protocol unasked", bytes: "HTTP/1.1 101 \r\nUpgrade: x\r\n\r\n" + answer,
            outcome: .failure(.malformed(.badStatusLine))),
        Script(
            testDescription: "HEAD of something large", method: .head, bytes: ok("Content-Length: 99999999"),
            outcome: .success("200 ")),
        Script(testDescription: "nothing", bytes: "", outcome: .failure(.closed)),
        Script(testDescription: "half a head", bytes: "HTTP/1.1 200 OK\r\nA:", outcome: .failure(.closed)),
        Script(testDescription: "half a body", bytes: ok("Content-Length: 5") + "hell", outcome: .failure(.closed)),
        Script(
            testDescription: "half of the chunks", bytes: ok("Transfer-Encoding: chunked") + "2\r\nab\r\n",
            outcome: .failure(.closed)),
        Script(
            testDescription: "no HTTP", bytes: "SSH-2.0-OpenSSH\r\n\r\n", outcome: .failure(.malformed(.badStatusLine))),
        Script(
            testDescription: "a large body", bytes: ok("Content-Length: 65537"),
            outcome: .failure(.malformed(.bodyTooLarge))),
        Script(
            testDescription: "a large body in chunks", bytes: ok("Transfer-Encoding: chunked") + "10001\r\n",
            outcome: .failure(.malformed(.bodyTooLarge))),
        Script(
            testDescription: "a large body until the close", bytes: ok("A: b") + String(repeating: "x", count: 65_537),
            outcome: .failure(.malformed(.bodyTooLarge))),
        Script(
            testDescription: "a coded body", bytes: ok("Content-Encoding: gzip", "Content-Length: 5") + "hello",
            outcome: .failure(.malformed(.unsupportedContentCoding))),
        Script(
            testDescription: "a body coded twice",
            bytes: ok("Content-Encoding: identity", "content-encoding: br", "Content-Length: 5") + "hello",
            outcome: .failure(.malformed(.unsupportedContentCoding))),
        Script(
            testDescription: "a body that says it is not coded",
            bytes: ok("Content-Encoding: Identity", "Content-Length: 5") + "hello", outcome: .success("200 hello")),
        Script(
            testDescription: "a large head",
            bytes: "HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 65) + "\r\n",
            outcome: .failure(.malformed(.tooManyFields))),
    ])
    func `answers, after which the server closes`(script: Script) async throws {
        let exchange = try send(script.method)
        do {
            let peer = try listener.accept()
            _ = try peer.receive(through: "\r\n\r\n")
            try peer.send(script.bytes)
            peer.finishWriting()
            let outcome = await exchange.result
            switch (outcome, script.outcome) {
            case (.success(let response), .success(let expected)):
                #expect("\(response.status) \(String(decoding: response.body, as: UTF8.self))" == expected)
            case (.failure(let error), .failure(let expected)): #expect(error as? HTTPClientError == expected)
            default: Issue.record("\(outcome)")
            }
        }
        #expect(!listener.hasWaiting, "nothing is tried again, and no redirect followed")
    }

    // MARK: Time

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\n", ok("Content-Length: 5") + "hel"])
    func `a server that falls silent is given up at the deadline`(bytes: String) async throws {
        let exchange = try send(.get, by: .soon)
        let peer = try listener.accept()
        _ = try peer.receive(through: "\r\n\r\n")
        try peer.send(bytes)
        await #expect(throws: HTTPClientError.timedOut) { _ = try await exchange.value }
        expectEnd(of: peer)
    }

    @Test func `a body that drips gets no more time for it`() async throws {
        let start = ContinuousClock.now
        let exchange = try send(.get, by: start.advanced(by: .milliseconds(100)))
        let peer = try listener.accept()
        _ = try peer.receive(through: "\r\n\r\n")
        try peer.send(Self.ok("Content-Length: 60000"))
        let loop = try TestLoops.group.any
        let limit = ContinuousClock.Instant.generous
        while ContinuousClock.now < limit {
            guard (try? peer.send("x")) != nil, !peer.hasArrived else { break }
            await loop.sleep(until: .now.advanced(by: .milliseconds(10)))
        }
        await #expect(throws: HTTPClientError.timedOut) { _ = try await exchange.value }
        #expect(ContinuousClock.now < limit)
    }

    // MARK: Connections

    @Test func `requests that follow one another use one connection`() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.idleTimeout = .seconds(600)
        let client = try HTTPClient(on: TestLoops.group, configuration: configuration)
        let first = try send(.get, "/0", on: client)
        let peer = try listener.accept()
        for number in 0..<100 {
            let exchange = number == 0 ? first : try send(.get, "/\(number)", on: client)
            #expect(try peer.receive(through: "\r\n\r\n").hasPrefix("GET /\(number) "))
            try peer.send(Self.ok("Content-Length: \("\(number)".count)") + "\(number)")
            #expect(try await exchange.value.body == Array("\(number)".utf8))
        }
        #expect(!listener.hasWaiting)
    }

    @Test func `an answer too many is given to nobody, and closes the connection`() async throws {
        let client = try HTTPClient(on: TestLoops.group)
        let first = try send(.get, "/acme", on: client)
        let peer = try listener.accept()
        try await finish(first, over: peer)
        // As from an intermediary whose queue of answers is off by one.
        try peer.send(Self.ok("Content-Length: 4") + "acme")
        let second = try send(.get, "/globex", on: client)
        let other = try listener.accept()
        _ = try other.receive(through: "\r\n\r\n")
        try other.send(Self.ok("Content-Length: 6") + "globex")
        #expect(try await second.value.body == Array("globex".utf8))
        expectEnd(of: peer)
    }

    @Test(arguments: [
        ("close", ok("Content-Length: 0", "Connection: close"), ""),
        ("HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ("HTTP/1.0 that would stay", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", ""),
        ("an interim answer", interim(1) + answer, ""),
        ("no content that has a length", "HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n", ""),
        ("no content in chunks", "HTTP/1.1 204 \r\nTransfer-Encoding: chunked\r\n\r\n", ""),
        ("no change, of which nobody asked", "HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", ""),
        ("a byte after the last chunk", ok("Transfer-Encoding: chunked") + "0\r\n\r\n\n", ""),
        ("an answer too many", answer + answer, ""), ("an answer later", answer, answer),
        ("a byte too many", answer + "\n", ""),
        ("a body for HEAD", answer, ""),
    ])
    func `a connection is not used again after`(what: String, bytes: String, later: String) async throws {
        let client = try HTTPClient(on: TestLoops.group)
        let exchange = try send(what.contains("HEAD") ? .head : .get, on: client)
        let peer = try listener.accept()
        _ = try peer.receive(through: "\r\n\r\n")
        try peer.send(bytes)
        #expect(try await exchange.value.status.code < 400)
        try peer.send(later)
        try await expectFreshConnection(of: client)
        expectEnd(of: peer)
    }

    @Test(arguments: [
        ("a body that is not whole", ok("Content-Length: 5") + "hell"), ("half a head", "HTTP/1.1 200 OK\r\nA:"),
        ("an answer that never comes", ""), ("what is no answer", "SSH-2.0-OpenSSH\r\n\r\n"),
        ("a coded body", ok("Content-Encoding: gzip", "Content-Length: 5") + "hello"),
    ])
    func `a request that fails on its way closes its connection`(what: String, bytes: String) async throws {
        var configuration = HTTPClient.Configuration()
        configuration.idleTimeout = .seconds(600)
        let client = try HTTPClient(on: TestLoops.group, configuration: configuration)
        let first = try send(on: client)
        let peer = try listener.accept()
        try await finish(first, over: peer)
        let exchange = try send(on: client)
        _ = try peer.receive(through: "\r\n\r\n")
        try peer.send(bytes)
        peer.finishWriting()
        await #expect(throws: HTTPClientError.self) { _ = try await exchange.value }
        expectEnd(of: peer)
        try await expectFreshConnection(of: client)
    }

    @Test func `a connection is used again no longer than its lifetime`() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.lifetime = .zero
        let client = try HTTPClient(on: TestLoops.group, configuration: configuration)
        let exchange = try send(on: client)
        let peer = try listener.accept()
        try await finish(exchange, over: peer)
        expectEnd(of: peer)
        try await expectFreshConnection(of: client)
    }

    @Test func `a connection that the server has closed is not used again`() async throws {
        let client = try HTTPClient(on: TestLoops.group)
        do {
            let exchange = try send(on: client)
            let peer = try listener.accept()
            _ = try peer.receive(through: "\r\n\r\n")
            try peer.send(Self.answer)
            _ = try await exchange.value
        }
        try await expectFreshConnection(of: client)
    }

    @Test func `an unused connection is closed after its time`() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.idleTimeout = .milliseconds(30)
        let exchange = try send(on: HTTPClient(on: TestLoops.group, configuration: configuration))
        let peer = try listener.accept()
        _ = try peer.receive(through: "\r\n\r\n")
        try peer.send(Self.answer)
        _ = try await exchange.value
        #expect(try peer.receiveToEnd() == "")
    }

    // MARK: Places

    @Test func `a request beyond the bound waits, and an unused connection of another trust makes room for it`()
        async throws
    {
        let client = try crowded()
        let first = try send(on: client)
        let peer = try listener.accept()
        let second = try send(on: client, trusting: .client())
        try await settle()
        #expect(!listener.hasWaiting)
        try await finish(first, over: peer)
        #expect(try peer.receiveToEnd() == "")
        try await finish(second, over: listener.accept())
    }

    @Test func `a request beyond the bound has the connection of the one before it`() async throws {
        let client = try crowded()
        let first = try send(on: client)
        let peer = try listener.accept()
        let second = try send(on: client)
        try await settle()
        try await finish(first, over: peer)
        try await finish(second, over: peer)
        #expect(!listener.hasWaiting)
    }

    @Test func `requests get their places in the order in which they came`() async throws {
        let client = try crowded()
        var exchanges = [try send(.get, "/0", on: client)]
        for number in 1...3 {
            try await settle()
            exchanges.append(try send(.get, "/\(number)", on: client))
        }
        let peer = try listener.accept()
        for (number, exchange) in exchanges.enumerated() {
            #expect(try peer.receive(through: "\r\n").hasPrefix("GET /\(number) "))
            try await finish(exchange, over: peer)
        }
    }

    @Test func `who waits for a place waits no longer than its deadline, and sends nothing`() async throws {
        let client = try crowded()
        let first = try send(on: client)
        let peer = try listener.accept()
        let second = try send(on: client, by: .soon)
        await #expect(throws: HTTPClientError.timedOut) { _ = try await second.value }
        try await finish(first, over: peer)
        try await finish(send(on: client), over: peer)
        #expect(!listener.hasWaiting)
    }

    @Test func `a request beyond its turn holds nobody up, and is answered all the same`() async throws {
        let client = try crowded(turn: .milliseconds(30))
        let slow = try send(on: client)
        let peer = try listener.accept()
        let second = try send(on: client)
        try await finish(second, over: listener.accept())
        try await finish(slow, over: peer)
    }

    @Test func `an origin that keeps requests waiting has no part in the places of another`() async throws {
        let client = try crowded()
        let slow = try send(on: client)
        let peer = try listener.accept()
        let other = try RawListener()
        let exchange = try send(.get, to: "http://127.0.0.1:\(other.port)/", on: client)
        try await finish(exchange, over: other.accept())
        try await finish(slow, over: peer)
    }

    @Test func `a refused connection says so`() async throws {
        let refusing = try RawListener(backlog: nil)
        let exchange = try send(.get, to: "http://127.0.0.1:\(refusing.port)/")
        await #expect(throws: HTTPClientError.connect("connect: Connection refused")) { _ = try await exchange.value }
    }

    @Test func `a name that cannot be has no address`() async throws {
        let exchange = try send(.get, to: "http://a..b/")
        await #expect {
            _ = try await exchange.value
        } throws: { error in
            if case .unknownHost? = error as? HTTPClientError { true } else { false }
        }
    }

    /// A client that has one place on each loop.
    private func crowded(turn: Duration = .seconds(600)) throws -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.idleTimeout = .seconds(600)
        configuration.maximumPerOrigin = 1
        configuration.turn = turn
        return try HTTPClient(on: TestLoops.group, configuration: configuration)
    }

    /// Lets the loop that exchanges begin on do what it can without anybody else.
    private func settle() async throws {
        try await Task(executorPreference: TestLoops.group.loops[0]) {
            for _ in 0..<10 { await Task.yield() }
        }.value
    }

    private func finish(_ exchange: Task<Response, any Error>, over peer: RawConnection) async throws {
        _ = try peer.receive(through: "\r\n\r\n")
        try peer.send(Self.answer)
        #expect(try await exchange.value.body == Array("hello".utf8))
    }

    private func expectFreshConnection(of client: HTTPClient) async throws {
        let exchange = try send(on: client)
        let peer = try listener.accept()
        _ = try peer.receive(through: "\r\n\r\n")
        try peer.send("HTTP/1.1 201 \r\nContent-Length: 0\r\n\r\n")
        #expect(try await exchange.value.status == Status(201))
    }

    /// Has the peer find that the client sent nothing more and closed, or reset what has something unread.
    private func expectEnd(of peer: RawConnection) {
        #expect(((try? peer.receiveToEnd()) ?? "") == "")
    }

    /// Begins an exchange, always on the same loop, since each loop has connections of its own.
    private func send(
        _ method: Method = .get, _ target: String = "/", to url: String? = nil, fields: Fields = Fields(),
        body: [UInt8] = [], on client: HTTPClient? = nil, trusting trust: TLSContext? = nil,
        by deadline: ContinuousClock.Instant = .generous
    ) throws -> Task<Response, any Error> {
        let client = try client ?? HTTPClient(on: TestLoops.group)
        let url = try #require(HTTPURL(url ?? "http://127.0.0.1:\(listener.port)\(target)"))
        return Task(executorPreference: try TestLoops.group.loops[0]) { [tls] in
            try await client.send(method, to: url, fields: fields, body: body, tls: trust ?? tls, by: deadline)
        }
    }

    private static func ok(_ fields: String...) -> String {
        "HTTP/1.1 200 OK\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    private static func interim(_ count: Int) -> String {
        String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: count)
    }
}
