import Glibc
import Support
import Synchronization
import Testing

@testable import HTTP
@testable import Sockets

struct HTTPServerTests {
    // MARK: Listening

    @Test func `a second server at the same address is refused`() async throws {
        try await withServer { server in
            // 98 is EADDRINUSE.
            #expect(throws: SocketError.system(call: "bind", errno: 98)) {
                _ = try HTTPServer(at: server.address, on: TestLoops.group, handler: tell)
            }
            let client = try server.connect()
            try client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.receiveAnswer().body == "GET a ")
        }
    }

    @Test func `connections beyond the limit are closed, until there is room again`() async throws {
        try await withServer({ $0.maximumConnections = 1 }) { server in
            do {
                let first = try server.connect()
                try await server.waitUntil(connections: 1)
                #expect(try server.connect().receiveToEnd() == "")
                try first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try first.receiveAnswer().status == 200)
            }
            try await server.waitUntil(connections: 0)
            let second = try server.connect()
            try second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try second.receiveAnswer().status == 200)
        }
    }

    @Test func `connections of one address have their limit, and each refusal is told`() async throws {
        let refusals = Mutex<[ConnectionRefusal]>([])
        try await withServer({
            $0.maximumConnections = 2
            $0.maximumPerAddress = 1
            $0.connectionRefused = { refusal, peer in
                #expect(peer.host == "127.0.0.1")
                refusals.withLock { $0.append(refusal) }
            }
        }) { server in
            let first = try server.connect()
            try await server.waitUntil(connections: 1)
            for _ in 0..<2 { #expect(try server.connect().receiveToEnd() == "") }
            // A client may see its end before the server has told of it.
            let limit = ContinuousClock.Instant.generous
            while refusals.withLock({ $0.count }) < 2, ContinuousClock.now < limit { await Task.yield() }
            #expect(refusals.withLock { $0 } == [.address, .address])
            try first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try first.receiveAnswer().status == 200)
        }
    }

    // MARK: Draining

    @Test func `an empty server is drained at once, and refuses who comes after`() async throws {
        try await withServer { server in
            let start = ContinuousClock.now
            await server.drain(within: .seconds(600))
            #expect(ContinuousClock.now - start < .seconds(300))
            // 111 is ECONNREFUSED.
            #expect { _ = try server.connect() } throws: { error in
                guard case .system("connect", 111)? = error as? RawConnection.Failure else { return false }
                return true
            }
        }
    }

    @Test func `a drain closes idle connections`() async throws {
        try await withServer { server in
            let client = try server.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try !client.receiveAnswer().closes)
            let drain = try await server.beginDraining(within: .seconds(600))
            #expect(try client.receiveToEnd() == "")
            client.finishWriting()
            await drain.value
            #expect(server.connectionCount == 0)
        }
    }

    @Test func `a drain lets a request in progress end`() async throws {
        let (hasBegun, mayEnd) = (Gate(), Gate())
        try await withServer(answering: { request in
            hasBegun.open()
            await mayEnd.wait()
            return await tell(request)
        }) { server in
            let client = try server.connect()
            try client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            await hasBegun.wait()
            let drain = try await server.beginDraining(within: .seconds(600))
            mayEnd.open()
            let answer = try client.receiveAnswer()
            #expect(answer.body == "GET a " && answer.closes)
            client.finishWriting()
            await drain.value
        }
    }

    @Test func `a drain answers a request that is on its way on an open connection`() async throws {
        try await withServer({ $0.drainGrace = .seconds(600) }) { server in
            let client = try server.connect()
            try client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try !client.receiveAnswer().closes)
            let drain = try await server.beginDraining(within: .seconds(600))
            try client.send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try client.receiveAnswer()
            #expect(answer.body == "GET b " && answer.closes)
            client.finishWriting()
            await drain.value
        }
    }

    @Test func `a drain gives up at its limit`() async throws {
        let (hasBegun, mayEnd) = (Gate(), Gate())
        try await withServer(answering: { request in
            hasBegun.open()
            await mayEnd.wait()
            return await tell(request)
        }) { server in
            let client = try server.connect()
            try client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            await hasBegun.wait()
            await server.drain(within: .milliseconds(30))
            #expect(server.connectionCount == 1)
            mayEnd.open()
            #expect(try client.receiveAnswer().closes)
        }
    }

    // MARK: TLS

    @Test func `TLS is served to our client, and closed to clear text`() async throws {
        let certificates = try Certificates()
        let pair = try certificates.issue()
        let tls = try TLSContext.server(certificateFile: pair.certificateFile, keyFile: pair.keyFile)
        let trust = try TLSContext.client(caFile: certificates.authorityFile)
        try await withServer({ $0.tls = CurrentTLSContext(tls) }) { server in
            let url = try #require(HTTPURL("https://localhost:\(server.address.port)/a"))
            let client = HTTPClient(on: try TestLoops.group)
            let body = [UInt8](repeating: 120, count: 60_000)
            let response = try await client.send(.post, to: url, body: body, tls: trust, by: .generous)
            #expect(response.status == .ok && response.body == Array("POST a ".utf8) + body)

            let plain = try server.connect()
            try plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            // Reset or closed: it depends on how much of it TLS has read.
            let received = (try? plain.receiveToEnd()) ?? ""
            #expect(!received.contains("HTTP/1.1"))
        }
    }

    @Test func `a handshake has its time`() async throws {
        let certificates = try Certificates()
        let pair = try certificates.issue()
        let tls = try TLSContext.server(certificateFile: pair.certificateFile, keyFile: pair.keyFile)
        try await withServer({
            $0.tls = CurrentTLSContext(tls)
            $0.handshakeTimeout = .milliseconds(30)
        }) { server in
            let received = try server.connect().receiveToEnd()
            #expect(received == "")
        }
    }
}
