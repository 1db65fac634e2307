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

/// Time as it passes.
private struct LoopTime: Timekeeper {
    var now: ContinuousClock.Instant { .now }

    func sleep(until instant: ContinuousClock.Instant) async { try? await Task.sleep(until: instant) }
}

/// The store in Debian's `redis-server`.
struct RedisStoreTests {
    /// A server, and the clocks of whoever has a store there, which stand still until a test moves them.
    final class Place: Sendable {
        let redis: Mutex<LoopbackRedis>
        let client: RedisClient
        let reader: RedisClient
        private let lines = Mutex<[UInt8]>([])
        private let latest = Mutex((clock: ManualClock(), metrics: MetricsRegistry()))

        init(_ arguments: [String] = []) throws {
            let redis = try LoopbackRedis(arguments)
            let server = RedisServer(try RedisURL(redis.url), tls: try .client(), password: nil, timeout: .seconds(60))
            client = RedisClient(server, on: try TestLoops.group)
            reader = RedisClient(server, on: try TestLoops.group)
            self.redis = Mutex(redis)
        }

        /// That of the store that was opened last, as its metrics are.
        var clock: ManualClock { latest.withLock { $0.clock } }
        var log: String { lines.withLock { String(decoding: $0, as: UTF8.self) } }

        /// - Parameter spreadLimit: For a store that is shared with others: its clock goes on by itself, as theirs does.
        func open(
            _ keys: KeyRing, prefix: String = "tokenwell", spreadLimit: Duration? = nil
        ) async throws(StoreError) -> (store: RedisStore, kept: KeptRecords) {
            let (clock, metrics) = (ManualClock(), MetricsRegistry())
            latest.withLock { $0 = (clock, metrics) }
            let timekeeper: any Timekeeper = spreadLimit == nil ? clock : LoopTime()
            let logger = Logger(label: "store") { label in
                LineLogHandler(
                    JSONLogFormat(label: label), logLevel: .trace,
                    sink: { [weak self] line in self?.lines.withLock { $0.append(contentsOf: line) } })
            }
            return try await RedisStore.open(
                client, reader: reader, prefix: prefix, keys: keys, timekeeper: timekeeper, metrics: metrics,
                logger: logger, lease: RedisStoreTests.long, patience: .zero, spreadLimit: spreadLimit ?? .zero,
                seconds: { StoreFolder.now })
        }

        /// Has the store put there what it was given.
        func settle(_ store: RedisStore, _ clock: ManualClock) async -> Bool {
            async let isSettled = store.settle()
            await clock.sleepers(1)
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
                // What is no string is not what was kept, but what the brokers agree on.
                content[key] = try? await client.send(RedisCommand([Array("GET".utf8), key])).bytes
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
        #expect(
            Set(names.map { $0.prefix(16) }) == [
                "tokenwell:check", "tokenwell:number", "tokenwell:epoch", "tokenwell:record",
            ])
        for bytes in content.flatMap({ [$0.key, $0.value] }) {
            for secret in ["the-name", "acme-corp", "the-payload"] {
                #expect(!String(decoding: bytes, as: UTF8.self).contains(secret))
            }
        }
    }

    /// What a store's follower hears, one event after the other.
    private func events(of store: RedisStore) -> AsyncStream<RedisStore.Event>.AsyncIterator {
        let (events, heard) = AsyncStream.makeStream(of: RedisStore.Event.self)
        store.follow { heard.yield($0) }
        return events.makeAsyncIterator()
    }

    private func records(_ event: RedisStore.Event?) throws -> Set<Record> {
        guard case .kept(let kept) = try #require(event) else { return [] }
        return Set(kept.records)
    }

    private static let long = Duration.seconds(300)

    @Test func `what one broker keeps the others hear of, and nobody of its own`() async throws {
        let place = try Place()
        let (first, _) = try await place.open(keys, spreadLimit: Self.long)
        let (second, kept) = try await place.open(keys, spreadLimit: Self.long)
        #expect(kept.records.isEmpty)
        var heard = events(of: second)
        first.follow { _ in }
        for (store, name) in [(first, "a"), (second, "b"), (first, "c")] {
            store.keep([.token(name)])
            #expect(await store.settle())
            #expect(await store.spread())
        }
        #expect(try records(await heard.next()) == [.token("a")])
        #expect(try records(await heard.next()) == [.token("c")])
        #expect(place.metric("tokenwell_replicas") == "2")
        #expect(await first.hear())
    }

    @Test func `a broker that has not read what was kept keeps it from being spread, until it leaves`() async throws {
        let place = try Place()
        let (deaf, _) = try await place.open(keys, spreadLimit: .zero)
        let (other, _) = try await place.open(keys, spreadLimit: Self.long)
        let (store, _) = try await place.open(keys, spreadLimit: .zero)
        store.follow { _ in }
        other.follow { _ in }
        store.keep([.token("a")])
        #expect(await store.settle())
        #expect(await other.hear())
        // Neither where it was kept nor where it was heard of.
        #expect(await store.spread() == false)
        await place.close(deaf)
        #expect(await other.spread())
        #expect(other.share(of: [1]).replicas == 2)
        await place.close(store)
    }

    @Test func `who has missed some of what was said reads everything`() async throws {
        let place = try Place()
        let (first, _) = try await place.open(keys, spreadLimit: Self.long)
        let (second, _) = try await place.open(keys, spreadLimit: Self.long)
        for name in ["a", "b"] {
            first.keep([.token(name)])
            #expect(await first.settle())
        }
        _ = try await place.command("XTRIM", "tokenwell:feed", "MAXLEN", "1")
        var heard = events(of: second)
        #expect(try records(await heard.next()) == [.token("a"), .token("b")])
        second.readAgain()
        #expect(try records(await heard.next()) == [.token("a"), .token("b")])
        first.follow { _ in }
        #expect(await first.spread())
    }

    @Test func `a server that was emptied is to be given everything again`() async throws {
        let place = try Place()
        let (store, _) = try await place.open(keys, spreadLimit: Self.long)
        var heard = events(of: store)
        store.keep([.token("a")])
        #expect(await store.settle())
        #expect(await store.spread())
        _ = try await place.command("FLUSHALL")
        #expect(try records(await heard.next()).isEmpty)
        guard case .lost? = await heard.next() else { throw NotHeard() }
        // What comes now is later than what was lost.
        #expect(try await place.command("GET", "tokenwell:number").bytes == Array("1".utf8))
        store.keep([.token("b")])
        #expect(await store.settle())
        #expect(await store.spread())
        #expect(try await place.command("GET", "tokenwell:number").bytes == Array("2".utf8))
    }

    private struct NotHeard: Error {}

    // MARK: Claims

    private func claim(_ fence: UInt64 = 0, debt: Duration = .zero, allowance: Duration = .seconds(7 * 3600)) -> Claim {
        Claim(
            name: Array(repeating: 7, count: 32), lease: .seconds(60), fence: fence,
            cost: Claim.Cost(client: [1], interval: .seconds(3600), allowance: allowance, debt: debt))
    }

    /// The fencing number of a claim that was granted.
    private func fence(_ answer: ClaimAnswer) throws -> UInt64 {
        guard case .granted(let fence, _) = answer else { throw NotGranted() }
        return fence
    }

    @Test func `a claim is one broker's until it ends, and each has a higher number`() async throws {
        let place = try Place()
        let (first, _) = try await place.open(keys)
        let clock = place.clock
        let (second, _) = try await place.open(keys)
        let number = try fence(await first.claim(claim()))
        guard case .held(let left) = await second.claim(claim()), left <= .seconds(60) else { throw NotGranted() }
        // Its own again, as it does not know that it has it.
        #expect(try fence(await first.claim(claim())) == number + 1)
        var failed = Record(.init(.tenant, tenant: "acme"), end: StoreFolder.now + 60, payload: [7])
        failed.ended = [EndedClaim(name: claim().name, fence: number + 1, token: nil)]
        first.keep([failed])
        #expect(await place.settle(first, clock))
        #expect(try fence(await second.claim(claim())) == number + 2)
        // A server that knows less than we do.
        _ = try await place.command("FLUSHALL")
        let high = number + 1_000_000_000_000
        guard case .held(.zero) = await first.claim(claim(high)) else { throw NotGranted() }
        #expect(try fence(await first.claim(claim(high))) == high + 1)
    }

    @Test func `whoever knows nothing has a higher number than any before`() async throws {
        let place = try Place()
        let (first, _) = try await place.open(keys)
        let number = try fence(await first.claim(claim()))
        _ = try await place.command("FLUSHALL")
        let (second, _) = try await place.open(keys)
        #expect(try fence(await second.claim(claim())) > number)
    }

    @Test func `who starts waits for those who are there to have told what they did`() async throws {
        let place = try Place()
        let (other, _) = try await place.open(keys, spreadLimit: Self.long)
        _ = try await place.command("FLUSHALL")
        for _ in 0..<2 { _ = await other.claim(claim()) }
        let (early, _) = try await place.open(keys)
        guard case .held(.seconds(3)) = await early.claim(claim()) else { throw NotGranted() }
        other.follow { _ in }
        let deadline = ContinuousClock.Instant.generous
        while try await place.command("HLEN", "tokenwell:told").integer != 2, .now < deadline { await Task.yield() }
        let (late, _) = try await place.open(keys)
        if case .held(.seconds(3)) = await late.claim(claim()) { throw NotGranted() }
    }

    @Test func `a claim lasts for as long as its owner renews it`() async throws {
        let place = try Place()
        let (first, _) = try await place.open(keys)
        let (second, _) = try await place.open(keys)
        let number = try fence(await first.claim(claim()))
        #expect(await first.renew(claim().name, fence: number, for: .seconds(3600)))
        guard case .held(let left) = await second.claim(claim()), left > .seconds(60) else { throw NotGranted() }
        // Neither another's, nor what is not there any more.
        #expect(await second.renew(claim().name, fence: number, for: .zero) == false)
        #expect(await first.renew(claim().name, fence: number + 1, for: .zero) == false)
        guard case .held = await second.claim(claim()) else { throw NotGranted() }
        #expect(await first.renew(claim().name, fence: number, for: .zero))
        #expect(try fence(await second.claim(claim())) == number + 1)
    }

    @Test func `who does not know the last token gets that instead of a claim, whoever ends late`() async throws {
        let place = try Place()
        let (late, _) = try await place.open(keys)
        let clock = place.clock
        let (store, _) = try await place.open(keys)
        let number = try fence(await late.claim(claim()))
        // As after its lease.
        _ = try await place.command(
            "EVAL", "for _, k in ipairs(redis.call('KEYS', '*:claim:*')) do redis.call('HDEL', k, 'owner') end", "0")
        #expect(try fence(await store.claim(claim())) == number + 1)
        store.keep([.token("new"), landed(number + 1, "new")])
        #expect(await place.settle(store, place.clock))
        late.keep([.token("old"), landed(number, "old")])
        #expect(await place.settle(late, clock))
        guard case .newer(number + 1, let record?) = await late.claim(claim(number)) else { throw NotGranted() }
        #expect(record == .token("new"))
        #expect(try fence(await late.claim(claim(number + 1))) == number + 2)
    }

    private func landed(_ fence: UInt64, _ token: String) -> Record {
        var record = Record(.init(.tenant, tenant: "acme"), end: StoreFolder.now + 60, payload: [7])
        record.ended = [EndedClaim(name: claim().name, fence: fence, token: Record.token(token).id)]
        return record
    }

    @Test func `the budget is all brokers' together`() async throws {
        let place = try Place()
        let (first, _) = try await place.open(keys)
        let (second, _) = try await place.open(keys)
        for number in 1...3 {
            let store = number == 2 ? second : first
            var claim = claim()
            claim.name = Array(repeating: UInt8(number), count: 32)
            guard case .granted(_, let debt) = await store.claim(claim) else { throw NotGranted() }
            #expect(debt <= .seconds(3600 * number) && debt > .seconds(3600 * (number - 1)))
        }
        // So narrow that no time the test takes would matter.
        guard case .spent(let debt) = await second.claim(claim(allowance: .zero)) else { throw NotGranted() }
        #expect(debt <= .seconds(3600 * 3))
    }

    @Test func `a server that knows no budget takes up what the broker knows`() async throws {
        let place = try Place()
        let (store, _) = try await place.open(keys)
        guard case .spent = await store.claim(claim(debt: .seconds(8 * 3600))) else { throw NotGranted() }
        guard case .granted(_, .seconds(4 * 3600)) = await store.claim(claim(debt: .seconds(3 * 3600))) else {
            throw NotGranted()
        }
    }

    @Test func `nobody can be asked once the server is gone, and each thing falls to one of those that were there`()
        async throws
    {
        let place = try Place()
        let (first, _) = try await place.open(keys, spreadLimit: Self.long)
        let (second, _) = try await place.open(keys, spreadLimit: Self.long)
        for store in [first, second] { store.follow { _ in } }
        let deadline = ContinuousClock.Instant.generous
        while first.share(of: [1]).replicas < 2, ContinuousClock.now < deadline { await Task.yield() }
        place.redis.withLock { $0.kill() }
        guard case .unavailable = await second.claim(claim()) else { throw NotGranted() }
        for number in 0..<UInt8(20) {
            let shares = [first, second].map { $0.share(of: [number]) }
            #expect(shares.filter(\.isOurs).count == 1 && shares.allSatisfy { $0.replicas == 2 })
        }
    }

    @Test func `after an outage nothing is claimed before the others have told what they did in it`() async throws {
        let place = try Place()
        let (other, _) = try await place.open(keys, spreadLimit: Self.long)
        // Its clock stands still, so that it waits for them for as long as the test takes.
        let (store, _) = try await place.open(keys)
        try place.redis.withLock { try $0.restart() }
        let deadline = ContinuousClock.Instant.generous
        var answer = ClaimAnswer.unavailable
        while .now < deadline {
            answer = await store.claim(claim())
            if case .held(.seconds(3)) = answer { break }
        }
        other.follow { _ in }
        while try await place.command("HLEN", "tokenwell:told").integer == 0, .now < deadline { await Task.yield() }
        guard case .held = await store.claim(claim()) else { throw NotGranted() }
        store.follow { _ in }
        while case .held = answer, .now < deadline { answer = await store.claim(claim()) }
        guard case .granted = answer else { throw NotGranted() }
    }

    @Test func `a loss that is noticed by another way than a claim has claims wait too`() async throws {
        let place = try Place()
        _ = try await place.open(keys)
        let (store, _) = try await place.open(keys)
        _ = try await place.command("FLUSHALL")
        store.keep([.token("a")])
        #expect(await place.settle(store, place.clock))
        guard case .held(.seconds(3)) = await store.claim(claim()) else { throw NotGranted() }
    }

    @Test(arguments: [false, true])
    func `who mints, with or without a claim, has not told of it before that has ended`(_ isAlone: Bool) async throws {
        let place = try Place()
        let (store, _) = try await place.open(keys, spreadLimit: Self.long)
        if isAlone { _ = try await place.command("REPLICAOF", "127.0.0.1", "1") }
        var claim = claim()
        claim.lease = Self.long
        switch await store.claim(claim) {
        case .unavailable where isAlone: _ = try await place.command("REPLICAOF", "NO", "ONE")
        case .granted where !isAlone: break
        default: throw NotGranted()
        }
        let begun = try #require(try await place.command("TIME").elements?.first?.bytes)
        store.follow { _ in }
        let deadline = ContinuousClock.Instant.generous
        for _ in 0..<2 {
            let sign = try await place.command("ZRANGE", "tokenwell:members", "0", "-1", "WITHSCORES")
            while try await place.command("ZRANGE", "tokenwell:members", "0", "-1", "WITHSCORES") == sign,
                .now < deadline
            {
                await Task.yield()
            }
        }
        #expect(try await told(at: place) <= seconds(begun))
        store.keep([landed(1, "a")])
        while try await told(at: place) <= seconds(begun), .now < deadline { await Task.yield() }
        #expect(try await told(at: place) > seconds(begun))
    }

    private func seconds(_ text: [UInt8]) -> Int { Int(String(decoding: text, as: UTF8.self)) ?? 0 }

    /// Up to when the only broker has told all that it did, in seconds since 1970.
    private func told(at place: Place) async throws -> Int {
        let values = try await place.command("HVALS", "tokenwell:told").elements ?? []
        return (values.first?.bytes).map { seconds(Array($0.prefix { $0 != 0x20 }.dropLast(3))) } ?? 0
    }

    private struct NotGranted: Error {}

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
        await place.clock.sleepers(1)
        place.clock.advance(by: .seconds(1))
        let deadline = ContinuousClock.Instant.generous
        while !place.log.contains("keeps what it is given again"), ContinuousClock.now < deadline { await Task.yield() }
        #expect(store.condition == StoreCondition())
        #expect(place.metric("tokenwell_store_up") == "1")
        await place.close(store)
        #expect(try await place.open(keys).kept.records == [.token("a")])
    }

    @Test func `a user that may not read the feed opens nothing`() async throws {
        let place = try Place()
        _ = try await place.command("ACL", "SETUSER", "default", "-xread")
        await #expect(throws: StoreError.redis(.refused(RedisRefusal(code: "NOPERM")))) {
            _ = try await place.open(keys)
        }
        #expect(try await place.command("EXISTS", "tokenwell:members").integer == 0)
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
        // Besides: how many commits there were, the epoch, and what tells the key.
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
        let count = try await RedisStore.reseal(place.client, prefix: "tokenwell", keys: both)
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
