import Foundation
import Logging
import Redis
import Sealing
import Sockets
import Support
import Synchronization
import Telemetry
import Testing
import TokenBroker

@testable import Stores

/// The store in Debian's `redis-server`.
struct RedisStoreTests {
    /// A server, and the clocks of whoever has a store there, which stand still until a test moves them.
    final class Place: Sendable {
        let redis: Mutex<LoopbackRedis>
        let client: RedisClient
        private let lines = Mutex<[UInt8]>([])
        private let latest = Mutex((clock: ManualClock(), metrics: MetricsRegistry()))

        init(_ arguments: [String] = []) throws {
            let redis = try LoopbackRedis(arguments)
            client = RedisClient(
                RedisServer(try RedisURL(redis.url), tls: try .client(), password: nil, timeout: .seconds(60)),
                on: try TestLoops.group)
            self.redis = Mutex(redis)
        }

        /// That of the store that was opened last, as its metrics are.
        var clock: ManualClock { latest.withLock { $0.clock } }
        var log: String { lines.withLock { String(decoding: $0, as: UTF8.self) } }

        func open(
            _ keys: KeyRing, prefix: String = "tokenwell"
        ) async throws(StoreError) -> (store: RedisStore, kept: KeptRecords) {
            let (clock, metrics) = (ManualClock(), MetricsRegistry())
            latest.withLock { $0 = (clock, metrics) }
            let logger = Logger(label: "store") { label in
                LineLogHandler(
                    JSONLogFormat(label: label), logLevel: .trace,
                    sink: { [weak self] line in self?.lines.withLock { $0.append(contentsOf: line) } })
            }
            return try await RedisStore.open(
                client, prefix: prefix, keys: keys, timekeeper: clock, metrics: metrics, logger: logger,
                patience: .zero, seconds: { StoreFolder.now })
        }

        /// Has the store put there what it was given.
        func settle(_ store: RedisStore, _ clock: ManualClock) async -> Bool {
            async let isSettled = store.settle()
            // The one that says that we are there sleeps too.
            await clock.sleepers(2)
            if let deadline = clock.nextDeadline { clock.advance(by: clock.now.duration(to: deadline)) }
            return await isSettled
        }

        func close(_ store: RedisStore) async { await store.close(within: .seconds(300)) }

        func command(_ words: String...) async throws -> RESPValue {
            try await client.send(RedisCommand(words.map { Array($0.utf8) }))
        }

        /// All keys and what is under them.
        func content() async throws -> [[UInt8]: [UInt8]] {
            var content: [[UInt8]: [UInt8]] = [:]
            for key in try await command("KEYS", "*").elements?.compactMap(\.bytes) ?? [] {
                content[key] = try await client.send(RedisCommand([Array("GET".utf8), key])).bytes
            }
            return content
        }

        /// The number of a metric's series; nil without one.
        func metric(_ series: String) -> String? {
            String(decoding: latest.withLock { $0.metrics }.exposition(), as: UTF8.self).split(separator: "\n")
                .first { $0.hasPrefix(series + " ") }.map { String($0.dropFirst(series.count + 1)) }
        }
    }

    private let keys = KeyRing(active: .generate())
    private let records: Set<Record> = [
        .token("a"), .token("b", of: "globex", payload: ""),
        Record(
            .init(.credential, tenant: "", name: [0, 255]), end: StoreFolder.now + 400 * 86_400, payload: [0, 1, 255]),
        Record(.init(.tenant, tenant: "acme"), end: StoreFolder.now + 60, payload: [7]),
    ]

    /// Writes records into the store, which is closed afterwards.
    private func write(_ records: some Collection<Record>, _ keys: KeyRing, at place: Place) async throws {
        let (store, _) = try await place.open(keys)
        store.keep(Array(records))
        #expect(await place.settle(store, place.clock))
        await place.close(store)
    }

    @Test func `what was kept is there after it was closed and opened again`() async throws {
        let place = try Place()
        try await write(records, keys, at: place)
        let (_, kept) = try await place.open(keys)
        #expect(Set(kept.records) == records && kept.records.count == records.count && kept.damaged.isEmpty)
        #expect(try await place.open(keys, prefix: "other").kept.records.isEmpty)
    }

    @Test func `thousands of records are written and read whole`() async throws {
        let place = try Place()
        let many = Set((0..<1500).map { Record.token("\($0)", of: "tenant-\($0 % 7)") })
        try await write(many, keys, at: place)
        #expect(Set(try await place.open(keys).kept.records) == many)
    }

    @Test func `a record takes the place of the one with its id, and goes when it has ended`() async throws {
        let place = try Place()
        try await write([.token("a", payload: "1"), .token("b")], keys, at: place)
        try await write([.token("a", payload: "2"), .token("b", after: 0)], keys, at: place)
        let (_, kept) = try await place.open(keys)
        #expect(kept.records == [.token("a", payload: "2")])
        for key in try await place.content().keys where key.starts(with: "tokenwell:record".utf8) {
            let milliseconds = try await place.client.send(RedisCommand([Array("PTTL".utf8), key])).integer
            // A minute, and five of grace.
            #expect((300_000...360_000).contains(try #require(milliseconds)))
        }
    }

    @Test func `whoever reads the server learns nothing but how many records there are`() async throws {
        let place = try Place()
        try await write([.token("the-name", of: "acme-corp", payload: "the-payload")], keys, at: place)
        let content = try await place.content()
        let names = content.keys.map { String(decoding: $0, as: UTF8.self) }
        #expect(Set(names.map { $0.prefix(16) }) == ["tokenwell:check", "tokenwell:last", "tokenwell:record"])
        for bytes in content.flatMap({ [$0.key, $0.value] }) {
            for secret in ["the-name", "acme-corp", "the-payload"] {
                #expect(!String(decoding: bytes, as: UTF8.self).contains(secret))
            }
        }
    }

    @Test func `one broker at a time has it`() async throws {
        let place = try Place()
        let (first, _) = try await place.open(keys)
        let clock = place.clock
        await #expect(throws: StoreError.inUse) { _ = try await place.open(keys) }
        first.keep([.token("a")])
        #expect(await place.settle(first, clock))
        await place.close(first)
        #expect(try await place.open(keys).kept.records == [.token("a")])
    }

    @Test func `who comes back late writes nothing over the one that has taken its place`() async throws {
        let place = try Place()
        let (late, _) = try await place.open(keys)
        let clock = place.clock
        #expect(try await place.command("PTTL", "tokenwell:owner").integer ?? 0 > 10_000)
        // As after its lease.
        _ = try await place.command("DEL", "tokenwell:owner")
        let (next, _) = try await place.open(keys)
        let content = try await place.content()
        late.keep([.token("a")])
        #expect(await place.settle(late, clock) == false)
        #expect(try await place.content() == content)
        #expect(late.condition.trouble?.reason == "another broker has taken it over")
        #expect(place.log.contains("the store is lost"))
        await place.close(late)
        #expect(try await place.content() == content)
        next.keep([.token("b")])
        #expect(await place.settle(next, place.clock))
    }

    @Test func `who comes back when the one that has taken its place has left writes nothing either`() async throws {
        let place = try Place()
        let (late, _) = try await place.open(keys)
        let clock = place.clock
        _ = try await place.command("DEL", "tokenwell:owner")
        let (next, _) = try await place.open(keys)
        next.keep([.token("b")])
        #expect(await place.settle(next, place.clock))
        await place.close(next)
        let content = try await place.content()
        late.keep([.token("a")])
        #expect(await place.settle(late, clock) == false)
        #expect(try await place.content() == content)
        #expect(late.condition.trouble?.reason == "another broker has taken it over")
    }

    @Test func `it is asked for without anything to keep`() async throws {
        let place = try Place()
        let (store, _) = try await place.open(keys)
        let owner = try await place.command("GET", "tokenwell:owner")
        _ = try await place.command("FLUSHALL")
        await place.clock.sleepers(1)
        place.clock.advance(by: RedisPlace.lease / 3)
        // After the answer more may have come, for which it waits.
        await place.clock.sleepers(1)
        #expect(try await place.command("GET", "tokenwell:owner") == owner)
        #expect(try await place.command("EXISTS", "tokenwell:check") == .integer(1))
        #expect(store.condition == StoreCondition())
    }

    @Test func `what the server does not take stays in memory until it does`() async throws {
        let place = try Place()
        try await write([.token("b")], keys, at: place)
        let (store, _) = try await place.open(keys)
        _ = try await place.command("CONFIG", "SET", "maxmemory", "1")
        // One that is new, one that is to go, and one that has gone already.
        store.keep([.token("a"), Record(Record.token("b").id, end: 0, payload: []), .token("c", after: 0)])
        #expect(await place.settle(store, place.clock) == false)
        let trouble = try #require(store.condition.trouble)
        #expect(trouble == .init(reason: "its memory is full (OOM)", since: StoreFolder.now))
        #expect(store.condition.pending == 2)
        #expect(place.metric("tokenwell_store_up") == "0")
        _ = try await place.command("CONFIG", "SET", "maxmemory", "0")
        await place.clock.sleepers(2)
        place.clock.advance(by: .seconds(1))
        let deadline = ContinuousClock.Instant.generous
        while !place.log.contains("keeps what it is given again"), ContinuousClock.now < deadline { await Task.yield() }
        #expect(store.condition == StoreCondition())
        #expect(place.metric("tokenwell_store_up") == "1")
        await place.close(store)
        #expect(try await place.open(keys).kept.records == [.token("a")])
    }

    @Test func `a replica, and a server that is gone, are said to be that`() async throws {
        let place = try Place()
        let (store, _) = try await place.open(keys)
        _ = try await place.command("REPLICAOF", "127.0.0.1", "1")
        store.keep([.token("a")])
        #expect(await place.settle(store, place.clock) == false)
        #expect(store.condition.trouble?.reason.contains("READONLY") == true)
        place.redis.withLock { $0.kill() }
        await #expect(throws: StoreError.self) { _ = try await place.open(keys) }
    }

    @Test func `a store under another master key is refused and stays as it is`() async throws {
        let place = try Place()
        let other = MasterKey.generate()
        try await write(records, KeyRing(active: other), at: place)
        let content = try await place.content()
        await #expect(throws: StoreError.wrongKey(other.id)) { _ = try await place.open(keys) }
        #expect(try await place.content() == content)
    }

    @Test func `what is no store is refused`() async throws {
        let place = try Place()
        _ = try await place.command("SET", "tokenwell:check", "hello")
        await #expect(throws: StoreError.foreign) { _ = try await place.open(keys) }
        #expect(try await place.content() == [Array("tokenwell:check".utf8): Array("hello".utf8)])
    }

    @Test func `opening with both keys seals everything anew`() async throws {
        let place = try Place()
        let (old, new) = (MasterKey.generate(), MasterKey.generate())
        try await write(records, KeyRing(active: old), at: place)
        let (store, kept) = try await place.open(KeyRing(active: new, previous: old))
        #expect(Set(kept.records) == records)
        await place.close(store)
        await #expect(throws: StoreError.wrongKey(new.id)) { _ = try await place.open(KeyRing(active: old)) }
        #expect(Set(try await place.open(KeyRing(active: new)).kept.records) == records)
        // Besides: who has it, who wrote last, and what tells the key.
        #expect(try await place.content().count == records.count + 3)
    }

    @Test func `sealing anew goes on where it was interrupted`() async throws {
        let place = try Place()
        let (old, new) = (MasterKey.generate(), MasterKey.generate())
        try await write(records, KeyRing(active: old), at: place)
        let both = KeyRing(active: new, previous: old)
        // As if it had been killed after the first record.
        let one = try #require(records.first)
        let before = RedisRecord.Key(of: one.id, keys: KeyRing(active: old)).text
        let (after, sealed) = (RedisRecord.Key(of: one.id, keys: both).text, RedisRecord(one, keys: both).sealed)
        _ = try await place.command("DEL", "tokenwell:record:\(before)")
        _ = try await place.client.send(
            RedisCommand([Array("SET".utf8), Array("tokenwell:record:\(after)".utf8), sealed]))
        let count = try await RedisStore.reseal(
            place.client, prefix: "tokenwell", keys: both, timekeeper: ManualClock())
        #expect(count == records.count - 1)
        #expect(Set(try await place.open(KeyRing(active: new)).kept.records) == records)
    }

    @Test func `a record that was changed or moved is left out, and its tenant known`() async throws {
        let place = try Place()
        try await write([.token("a"), .token("b"), .token("c", of: "globex")], keys, at: place)
        let names = ["a", "c"].map { name in
            Record.token(name, of: name == "c" ? "globex" : "acme").id
        }.map { "tokenwell:record:\(RedisRecord.Key(of: $0, keys: keys).text)" }
        // What is another's, in its place.
        _ = try await place.command("COPY", names[1], names[0], "REPLACE")
        let (_, kept) = try await place.open(keys)
        #expect(Set(kept.records) == [.token("b"), .token("c", of: "globex")])
        #expect(kept.damaged == ["acme"])
        #expect(place.metric("tokenwell_store_records_refused_total") == "1")
    }

    @Test func `a server that drops keys when it is full is warned of`() async throws {
        let place = try Place(["--maxmemory-policy", "allkeys-lru"])
        _ = try await place.open(keys)
        #expect(place.log.contains("maxmemory-policy noeviction"))
        let usual = try Place()
        _ = try await usual.open(keys)
        #expect(!usual.log.contains("noeviction"))
    }
}
