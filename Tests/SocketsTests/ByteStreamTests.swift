import Glibc
import Support
import Testing

@testable import Sockets

struct ByteStreamTests {
    private enum Kind: CaseIterable { case plain, tls }

    /// More than the kernel buffers, so that the writer has to wait for the reader.
    private static let much = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

    @Test(arguments: Kind.allCases)
    private func `much goes both ways, as fast as the reader takes it`(kind: Kind) async throws {
        try await connected(kind) { client in
            try await client.write(Self.much, by: .generous)
            let echo = try await readAll(Self.much.count, from: &client)
            #expect(echo == Self.much)
        } server: { server in
            let bytes = try await readAll(Self.much.count, from: &server)
            try await server.write(bytes, by: .generous)
        }
    }

    @Test(arguments: Kind.allCases)
    private func `a half-closed stream still takes what comes the other way`(kind: Kind) async throws {
        try await connected(kind) { client in
            try await client.write(Array("ping".utf8), by: .generous)
            client.finishWriting()
            #expect(try await readAll(4, from: &client) == Array("pong".utf8))
            #expect(try await readAll(1, from: &client) == [])
        } server: { server in
            #expect(try await readAll(100, from: &server) == Array("ping".utf8))
            try await server.write(Array("pong".utf8), by: .generous)
            server.finishWriting()
        }
    }

    @Test(arguments: Kind.allCases)
    private func `a read ends at its deadline, and the stream is as good as before`(kind: Kind) async throws {
        try await connected(kind) { client in
            let deadline = ContinuousClock.Instant.soon
            var buffer: [UInt8] = []
            await #expect(throws: SocketError.timedOut) { _ = try await client.read(into: &buffer, by: deadline) }
            #expect(ContinuousClock.now >= deadline)
            try await client.write([1], by: .generous)
            #expect(try await readAll(1, from: &client) == [2])
        } server: { server in
            #expect(try await readAll(1, from: &server) == [1])
            try await server.write([2], by: .generous)
        }
    }

    @Test(arguments: Kind.allCases)
    private func `a read takes no more than it may, and leaves the rest to the next`(kind: Kind) async throws {
        try await connected(kind) { client in
            try await client.write(Self.much, by: .generous)
        } server: { server in
            var bytes: [UInt8] = []
            while bytes.count < Self.much.count {
                let count = try await server.read(into: &bytes, atMost: 1000, by: .generous)
                #expect((1...1000).contains(count))
            }
            #expect(bytes == Self.much)
        }
    }

    /// Who waits, and of what the first half comes: together with the end, before the loop looks.
    private enum Half: CaseIterable { case clientHello, serverHello, requestRecord, answerRecord }

    @Test(arguments: Half.allCases)
    private func `half of what TLS needs and the end, come together, end the wait`(half: Half) async throws {
        let loop = try TestLoops.group.loops[0]
        let contexts = try Contexts()
        let ends = try SocketPair()
        let (ours, theirs) = (dup(ends.server), ends.client)
        let isReady = Gate()
        let stream = Task(executorPreference: loop) {
            var stream = try ByteStream(Socket(adopting: ours), on: loop)
            switch half {
            case .clientHello, .requestRecord: try await stream.acceptTLS(contexts.server, by: .generous)
            case .serverHello, .answerRecord:
                try await stream.startTLS(contexts.client, host: "localhost", by: .generous)
            }
            var bytes: [UInt8] = []
            isReady.open()
            _ = try await stream.read(into: &bytes, by: .generous)
        }
        let peer = Task(executorPreference: loop) {
            var peer = try ByteStream(Socket(adopting: dup(theirs)), on: loop)
            switch half {
            case .clientHello, .serverHello: await loop.sleep(until: .now)
            case .requestRecord: try await peer.startTLS(contexts.client, host: "localhost", by: .generous)
            case .answerRecord: try await peer.acceptTLS(contexts.server, by: .generous)
            }
            if half == .requestRecord || half == .answerRecord { await isReady.wait() }
            // The loop does not look between these two.
            let bytes: [UInt8] = [half == .clientHello || half == .serverHello ? 22 : 23, 3, 3, 0, 200, 1, 2]
            _ = send(theirs, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            shutdown(theirs, Int32(SHUT_WR))
        }
        try await peer.value
        await #expect(throws: SocketError.tls(.truncated)) { try await stream.value }
        _ = consume ends
    }

    @Test func `a stream that is to be reset does not end in good order`() async throws {
        let listener = try RawListener()
        let port = listener.port
        let isAccepted = Gate()
        let client = Task(executorPreference: try TestLoops.group.any) {
            let loop = try #require(try TestLoops.group.current)
            let stream = try await ByteStream.connect(to: [.loopback(port: port)], on: loop, by: .generous)
            await isAccepted.wait()
            stream.resetWhenClosed()
        }
        let peer = try listener.accept()
        isAccepted.open()
        try await client.value
        #expect(throws: RawConnection.Failure.self) { _ = try peer.receiveToEnd() }
    }

    @Test(arguments: Kind.allCases)
    private func `a write that nobody reads ends at its deadline`(kind: Kind) async throws {
        let hasGivenUp = Gate()
        try await connected(kind) { client in
            await #expect(throws: SocketError.timedOut) { try await client.write(Self.much, by: .soon) }
            hasGivenUp.open()
        } server: { _ in
            await hasGivenUp.wait()
        }
    }

    @Test func `an interruption ends a read that allows it`() async throws {
        let group = try EventLoopGroup(count: 2)
        try await connected(.plain, on: group) { client in
            var buffer: [UInt8] = []
            for loop in group.loops { loop.interrupt() }
            await #expect(throws: SocketError.interrupted) {
                _ = try await client.read(into: &buffer, by: .generous, isInterruptible: true)
            }
        } server: { server in
            _ = try await readAll(1, from: &server)
        }
    }

    @Test func `a peer that resets is told from one that finishes`() async throws {
        let listener = try RawListener()
        let port = listener.port
        let client = Task(executorPreference: try TestLoops.group.any) {
            let loop = try #require(try TestLoops.group.current)
            var stream = try await ByteStream.connect(to: [.loopback(port: port)], on: loop, by: .generous)
            var buffer: [UInt8] = []
            try await stream.write([1], by: .generous)
            await #expect(throws: SocketError.closed) { _ = try await stream.read(into: &buffer, by: .generous) }
            await #expect(throws: SocketError.closed) { try await stream.write([1], by: .generous) }
        }
        do {
            let peer = try listener.accept()
            _ = try peer.receive(count: 1)
            peer.resetWhenClosed()
        }
        try await client.value
    }

    @Test func `what comes unasked makes a stream stale, and so does the end`() async throws {
        let listener = try RawListener()
        let port = listener.port
        for ending in ["a byte", "the end"] {
            let connected = Task(executorPreference: try TestLoops.group.loops[0]) {
                let loop = try #require(try TestLoops.group.current)
                var stream = try await ByteStream.connect(to: [.loopback(port: port)], on: loop, by: .generous)
                let wasStale = stream.isStale
                #expect(!wasStale)
                try await stream.write([1], by: .generous)
                try await Self.until { stream.isStale }
            }
            let peer = try listener.accept()
            _ = try peer.receive(count: 1)
            if ending == "a byte" { try peer.send("!") } else { peer.finishWriting() }
            try await connected.value
        }
    }

    @Test func `the second address is tried when the first refuses`() async throws {
        let listener = try RawListener()
        let port = listener.port
        let refusing = try RawListener(backlog: nil)
        let refusingPort = refusing.port
        try await TestLoops.run { loop in
            let addresses = [SocketAddress.loopback(port: refusingPort), .loopback(port: port)]
            _ = try await ByteStream.connect(to: addresses, on: loop, by: .generous)
            await #expect(throws: SocketError.system(call: "connect", errno: 111)) {
                _ = try await ByteStream.connect(to: [addresses[0]], on: loop, by: .generous)
            }
        }
        _ = try listener.accept()
    }

    @Test func `an address that does not answer leaves time for the next`() async throws {
        let silent = try RawListener(backlog: 0)
        let occupant = try RawConnection(port: silent.port)
        defer { occupant.resetWhenClosed() }
        let listener = try RawListener()
        let ports = [silent.port, listener.port]
        try await TestLoops.run { loop in
            _ = try await ByteStream.connect(
                to: ports.map { .loopback(port: $0) }, on: loop, by: .now.advanced(by: .seconds(1)))
            await #expect(throws: SocketError.timedOut) {
                _ = try await ByteStream.connect(to: [.loopback(port: ports[0])], on: loop, by: .soon)
            }
        }
        _ = try listener.accept()
    }

    @Test func `no address is no connection`() async throws {
        try await TestLoops.run { loop in
            await #expect(throws: SocketError.unknownHost("no address")) {
                _ = try await ByteStream.connect(to: [], on: loop, by: .generous)
            }
        }
    }

    /// Runs both ends, each on a loop, until both are through.
    private func connected(
        _ kind: Kind, on group: EventLoopGroup? = nil,
        client: @escaping @Sendable (inout ByteStream) async throws -> Void,
        server: @escaping @Sendable (inout ByteStream) async throws -> Void
    ) async throws {
        let loops = try (group ?? TestLoops.group).loops
        let contexts = try kind == .tls ? Contexts() : nil
        var ends: [Int32] = [-1, -1]
        let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        try #require(socketpair(AF_UNIX, Int32(type), 0, &ends) == 0)
        let (clientEnd, serverEnd) = (ends[0], ends[1])
        let serving = Task(executorPreference: loops[0]) {
            var stream = try ByteStream(Socket(adopting: serverEnd), on: loops[0])
            if let contexts { try await stream.acceptTLS(contexts.server, by: .generous) }
            try await server(&stream)
        }
        try await Task(executorPreference: loops[1]) {
            var stream = try ByteStream(Socket(adopting: clientEnd), on: loops[1])
            if let contexts { try await stream.startTLS(contexts.client, host: "localhost", by: .generous) }
            try await client(&stream)
        }.value
        try await serving.value
    }

    private struct Contexts {
        let client: TLSContext
        let server: TLSContext

        init() throws {
            let certificates = try Certificates()
            let pair = try certificates.issue()
            client = try .client(caFile: certificates.authorityFile)
            server = try .server(certificateFile: pair.certificateFile, keyFile: pair.keyFile)
        }
    }

    private static func until(_ isTrue: () -> Bool) async throws {
        let deadline = ContinuousClock.Instant.generous
        while !isTrue() {
            try #require(ContinuousClock.now < deadline)
            await Task.yield()
        }
    }
}

/// Reads so many bytes, or fewer when the peer finishes before.
private func readAll(_ count: Int, from stream: inout ByteStream) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count, try await stream.read(into: &bytes, by: .generous) > 0 {}
    return bytes
}
