import Foundation
import Sockets
import Support
import Synchronization
import Testing

@testable import Redis

/// The client against Debian's `redis-server`.
struct RedisClientTests {
    private func client(
        _ url: String, password: String? = nil, caFile: String? = nil, timeout: Duration = .seconds(60)
    ) throws -> RedisClient {
        let server = RedisServer(
            try RedisURL(url), tls: try .client(caFile: caFile), password: password, timeout: timeout)
        return RedisClient(server, on: try TestLoops.group)
    }

    private func failure(_ client: RedisClient, _ command: RedisCommand = RedisCommand("PING")) async -> RedisError? {
        do throws(RedisError) {
            _ = try await client.send(command)
            return nil
        } catch { return error }
    }

    /// Whether a command has an answer some time, as a busy machine may take longer than a client waits.
    private func answers(_ client: RedisClient) async -> Bool {
        let deadline = ContinuousClock.Instant.generous
        while await failure(client) != nil {
            guard .now < deadline else { return false }
            await Task.yield()
        }
        return true
    }

    @Test func `what was set is there, whatever bytes it has`() async throws {
        let redis = try LoopbackRedis()
        let client = try client(redis.url)
        let value = (0...255).map { UInt8($0) } + Array(repeating: 0x0D, count: 300_000)
        #expect(
            try await client.send(RedisCommand([Array("SET".utf8), [0, 0x0A], value])) == .bytes(Array("OK".utf8)))
        #expect(try await client.send(RedisCommand([Array("GET".utf8), [0, 0x0A]])) == .bytes(value))
        #expect(try await client.send(RedisCommand("GET", "nothing")) == .null)
        #expect(try await client.send(RedisCommand("HELLO"))["proto"] == .integer(3))
    }

    @Test func `a thousand tasks share one connection, and each gets its own answer`() async throws {
        let redis = try LoopbackRedis()
        let client = try client(redis.url)
        try await withThrowingTaskGroup { group in
            for number in 0..<1000 {
                group.addTask {
                    try await client.send(RedisCommand("ECHO", "\(number)")) == .bytes(Array("\(number)".utf8))
                }
            }
            for try await isOwn in group { #expect(isOwn) }
        }
        let clients = try await client.send(RedisCommand("CLIENT", "LIST")).bytes.map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(clients?.split(separator: "\n").count == 1)
    }

    @Test func `commands that are sent together are answered in order, a refused one among them`() async throws {
        let redis = try LoopbackRedis()
        let answers = try await client(redis.url).send([
            RedisCommand("SET", "a", "x"), RedisCommand("INCR", "a"), RedisCommand("GET", "a"),
        ])
        #expect(answers == [.bytes(Array("OK".utf8)), .error(RedisRefusal(code: "ERR")), .bytes(Array("x".utf8))])
    }

    @Test func `a user gets in with its password, where it may go, and into its database`() async throws {
        let redis = try LoopbackRedis(
            ["--user"] + "tokenwell on >hunter2 ~tokenwell:* +@all -flushall".split(separator: " ").map(String.init)
                + ["--user", "default", "off"])
        let url = "redis://tokenwell@127.0.0.1:\(redis.port)/3"
        let known = try client(url, password: "hunter2")
        _ = try await known.send(RedisCommand("SET", "tokenwell:a", "1"))
        #expect(
            try await known.send(RedisCommand("CLIENT", "INFO")).bytes.map { String(decoding: $0, as: UTF8.self) }?
                .contains(" db=3 ") == true)
        #expect(await failure(known, RedisCommand("GET", "other")) == .refused(RedisRefusal(code: "NOPERM")))
        #expect(await failure(known, RedisCommand("FLUSHALL")) == .refused(RedisRefusal(code: "NOPERM")))
        #expect(await failure(try client(url, password: "hunter3")) == .refused(RedisRefusal(code: "WRONGPASS")))
        #expect(await failure(try client(redis.url)) == .refused(RedisRefusal(code: "NOAUTH")))
    }

    @Test func `the default user has a password too`() async throws {
        let redis = try LoopbackRedis(["--requirepass", "hunter2"])
        #expect(await failure(try client(redis.url, password: "hunter2")) == nil)
        #expect(await failure(try client(redis.url, password: "wrong")) == .refused(RedisRefusal(code: "WRONGPASS")))
    }

    @Test func `over TLS the server is whom the authority says it is`() async throws {
        let certificates = try Certificates()
        let redis = try LoopbackRedis(certificate: try certificates.issue(names: "DNS:localhost"))
        let port = try #require(redis.tlsPort)
        let authority = certificates.authorityFile
        #expect(await failure(try client("rediss://localhost:\(port)", caFile: authority)) == nil)
        for client in [
            try client("rediss://localhost:\(port)"), try client("rediss://127.0.0.1:\(port)", caFile: authority),
        ] {
            guard case .tls = await failure(client) else {
                Issue.record("nobody vouches for that server")
                continue
            }
        }
        // TLS spoken to a port without it, and the other way round.
        #expect(
            await failure(
                try client("rediss://localhost:\(redis.port)", caFile: authority, timeout: .milliseconds(200))) != nil)
        #expect(await failure(try client("redis://localhost:\(port)", timeout: .milliseconds(200))) != nil)
    }

    @Test func `a server that answers nothing costs the timeout once, and then nothing`() async throws {
        let redis = try LoopbackRedis()
        let client = try client(redis.url, timeout: .milliseconds(200))
        #expect(await answers(client))
        redis.freeze()
        #expect(await failure(client) == .timedOut)
        // No connection comes of this one; after it the pause has begun.
        #expect(await failure(client) == .timedOut)
        redis.thaw()
        #expect(await answers(client))
    }

    @Test func `another server in its place is found`() async throws {
        let redis = try LoopbackRedis()
        let client = try client(redis.url)
        #expect(await failure(client) == nil)
        redis.kill()
        guard case .connect = await failure(client) else {
            Issue.record("nobody is there")
            return
        }
        try redis.restart()
        #expect(await answers(client))
    }

    @Test func `what is no server to write to says what it is`() async throws {
        let redis = try LoopbackRedis()
        let replica = try LoopbackRedis(["--replicaof", "127.0.0.1", "\(redis.port)"])
        let refused = await failure(try client(replica.url), RedisCommand("SET", "a", "1"))
        #expect(refused == .refused(RedisRefusal(code: "READONLY")))
        let cluster = try LoopbackRedis(["--cluster-enabled", "yes"])
        #expect(await failure(try client(cluster.url)) == .cluster)
        let sentinel = try LoopbackRedis(mode: "--sentinel")
        #expect(await failure(try client(sentinel.url)) == .sentinel)
        let full = try LoopbackRedis(["--maxmemory", "1"])
        #expect(
            await failure(try client(full.url), RedisCommand("SET", "a", "1")) == .refused(RedisRefusal(code: "OOM")))
    }

    @Test func `an answer over the limits ends the connection, and the next has another`() async throws {
        let redis = try LoopbackRedis()
        var server = RedisServer(try RedisURL(redis.url), tls: try .client(), password: nil, timeout: .seconds(60))
        server.limits.string = 1000
        let client = RedisClient(server, on: try TestLoops.group)
        _ = try await client.send(RedisCommand("SET", "a", String(repeating: "x", count: 1001)))
        // Whoever asks as soon as that is known is not told of it too.
        for _ in 0..<50 {
            #expect(await failure(client, RedisCommand("GET", "a")) == .malformed)
            #expect(await failure(client) == nil)
        }
    }

    @Test func `a password is seen nowhere`() throws {
        let server = RedisServer(try RedisURL("redis://localhost"), tls: try .client(), password: "hunter2")
        for text in ["\(server)", "\(server.hello)", String(reflecting: server), String(reflecting: server.hello)] {
            #expect(!text.contains("hunter2"))
        }
        var dumped = ""
        dump(server, to: &dumped)
        dump(server.hello, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }
}
