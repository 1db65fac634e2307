import Redis
import Sealing
import TokenBroker

/// What the brokers of one prefix have in Redis.
///
/// | key                               | what                                                             |
/// |-----------------------------------|------------------------------------------------------------------|
/// | `<prefix>:check`                  | tells whether the store is under a master key                    |
/// | `<prefix>:record:<hex>:<hex>`     | see ``RedisRecord``                                              |
/// | `<prefix>:claim:<hex>`            | who may mint a token, and which was minted last: `owner`,        |
/// |                                   | `until`, `fence`, `landed`, `token`                              |
/// | `<prefix>:budget:<hex>`           | when a credential's mint budget is full again                    |
/// | `<prefix>:feed`, `:number`        | the last 10,000 commits, and how many there were                 |
/// | `<prefix>:epoch`                  | changes when the server has lost something                       |
/// | `<prefix>:members`, `:seen`,      | which brokers are there, how far each has read the feed, and     |
/// | `:told`                           | up to when it has kept all that it did                           |
///
/// The digits are blinded, and so tell nobody what they stand for.
struct RedisPlace: RecordWriter {
    /// How much longer than it is of use a record stays: our clock and the server's may differ.
    private static let grace: Int64 = 300
    /// Records that are written, and read, at once.
    private static let atOnce = 256

    private static let checkContext = [Array("check".utf8)]

    /// How far the feed is.
    struct FeedState {
        /// Of the last commit.
        let number: UInt64
        /// Another one means that the server has lost something.
        let epoch: [UInt8]

        fileprivate init?(_ elements: [RESPValue]) {
            guard elements.count > 2, let number = elements[0].integer, let epoch = elements[1].bytes else {
                return nil
            }
            (self.number, self.epoch) = (UInt64(clamping: number), epoch)
        }
    }

    /// What one commit told the others.
    struct Entry {
        let number: UInt64
        let isOurs: Bool
        /// Of the records, in full.
        let keys: [[UInt8]]
    }

    private let client: RedisClient
    private let keys: KeyRing
    private let prefix: String
    /// What this broker is called: other at each start.
    let name: String
    /// What tells the master key.
    private let check: [UInt8]
    /// The number of the last commit that we know of.
    private let known: @Sendable () -> UInt64
    /// Told the feed's state after each commit, and whether the last is that one.
    private let committed: @Sendable (FeedState, _ isOurs: Bool) -> Void

    init(
        _ client: RedisClient, keys: KeyRing, prefix: String, known: @escaping @Sendable () -> UInt64 = { 0 },
        committed: @escaping @Sendable (FeedState, _ isOurs: Bool) -> Void = { _, _ in }
    ) {
        self.client = client
        self.keys = keys
        self.prefix = prefix
        self.known = known
        self.committed = committed
        name = Hex.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
        check = keys.seal([RedisRecord.format], for: .check, context: Self.checkContext)
    }

    // MARK: - Who is there

    /// Says that we are there, how far we have read the feed, and up to when all that we did is kept.
    ///
    /// - Parameters:
    ///   - lease: How long we then count as being there.
    ///   - told: Up to when all that we did is kept, by the server's time, and in which epoch; nil while that cannot
    ///     be told.
    /// - Returns: How far the feed is, the server's time in milliseconds since 1970, and the names of all that are there, each
    ///   with the time up to which it has kept everything.
    func join(
        for lease: Duration, seen: UInt64, told: (epoch: [UInt8], time: Int64)?
    ) async throws(StoreError) -> (feed: FeedState, time: Int64, members: [String: Int64]) {
        let answer = try await run(
            RedisScripts.join, ["number", "epoch", "members", "seen", "told"],
            [name, "\(known())", "\(Int(lease / .microseconds(1)))", "\(seen)"].bytes
                + [told?.epoch ?? [], Array("\(told?.time ?? 0)".utf8)])
        guard let elements = answer.elements, let feed = FeedState(elements), elements.count % 2 == 1,
            let time = elements[2].integer
        else { throw .redis(.malformed) }
        var members: [String: Int64] = [:]
        for index in stride(from: 3, to: elements.count, by: 2) {
            guard let name = elements[index].bytes, let told = elements[index + 1].integer else {
                throw .redis(.malformed)
            }
            members[String(decoding: name, as: UTF8.self)] = told
        }
        return (feed, time, members)
    }

    func close() async { _ = try? await run(RedisScripts.leave, ["members", "seen", "told"], [name].bytes) }

    // MARK: - What they tell each other

    /// The number of the last commit.
    func number() async throws(StoreError) -> UInt64 {
        let text = try await send(RedisCommand("GET", key("number"))).bytes
        return text.flatMap { UInt64(String(decoding: $0, as: UTF8.self)) } ?? 0
    }

    /// The commits after a number.
    ///
    /// - Parameters:
    ///   - reader: Over which nothing else is sent, as it waits.
    ///   - waiting: How long to wait for the first.
    func entries(
        after number: UInt64, from reader: RedisClient, waiting: Duration
    ) async throws(StoreError) -> [Entry] {
        let command = RedisCommand(
            "XREAD", "COUNT", "64", "BLOCK", "\(Int(waiting / .milliseconds(1)))", "STREAMS", key("feed"),
            "\(number)-0")
        let answer: RESPValue
        do throws(RedisError) { answer = try await reader.send(command) } catch { throw .redis(error) }
        if case .null = answer { return [] }
        // A map in RESP3, an array of pairs in RESP2.
        guard let streams = answer.elements,
            let entries = streams.count == 2 ? streams[1].elements : streams.first?.elements?.last?.elements
        else { throw .redis(.malformed) }
        var read: [Entry] = []
        for entry in entries {
            guard let parts = entry.elements, parts.count == 2, let id = parts[0].bytes, let fields = parts[1].elements,
                fields.count == 4, let number = UInt64(String(decoding: id.prefix { $0 != 0x2D }, as: UTF8.self)),
                let by = fields[1].bytes, let names = fields[3].bytes
            else { throw .redis(.malformed) }
            read.append(
                Entry(
                    number: number, isOurs: by == Array(name.utf8), keys: names.split(separator: 0x20).map(Array.init)))
        }
        return read
    }

    /// Whether every other broker has read the feed up to a number: those that are there, and those that are known.
    func isSeen(_ number: UInt64, by members: Set<String>) async throws(StoreError) -> Bool {
        try await isOne(RedisScripts.seen, ["members", "seen"], (["\(number)", name] + members).bytes)
    }

    /// Keeps what was claimed for so long from now on; false when it is not ours any more.
    func renew(_ claim: [UInt8], fence: UInt64, for lease: Duration) async throws(StoreError) -> Bool {
        try await isOne(
            RedisScripts.renew, ["claim:\(blinded("claim", claim))"],
            [name, "\(fence)", "\(Int(lease / .milliseconds(1)))"].bytes)
    }

    /// Asks for the right to do something.
    ///
    /// - Parameter epoch: The one that we know.
    /// - Returns: nil when the server has lost something.
    func claim(_ claim: Claim, in epoch: [UInt8]) async throws(StoreError) -> ClaimAnswer? {
        var names = ["number", "epoch", "claim:\(blinded("claim", claim.name))"]
        var arguments = [name, "\(known())"].bytes + [epoch]
        arguments += ["\(Int(claim.lease / .milliseconds(1)))", "\(claim.fence)"].bytes
        if let cost = claim.cost {
            names.append("budget:\(blinded("budget", cost.client))")
            arguments += [cost.interval, cost.allowance, cost.debt].map { "\(Int($0 / .microseconds(1)))" }.bytes
        }
        let answer = try await run(RedisScripts.claim, names, arguments).elements ?? []
        let number = { (place: Int) -> Int64? in answer.count > place ? answer[place].integer : nil }
        switch (answer.first?.bytes.map { String(decoding: $0, as: UTF8.self) }, number(1), number(2)) {
        case ("granted", let fence?, let debt?):
            return .granted(fence: UInt64(clamping: fence), debt: .microseconds(debt))
        case ("newer", let fence?, _):
            let record = try await records(answer.last?.bytes.map { [$0] } ?? []).records.first
            return .newer(fence: UInt64(clamping: fence), record)
        case ("held", let left?, _): return .held(.milliseconds(left))
        case ("spent", let debt?, _): return .spent(debt: .microseconds(debt))
        case ("lost", _, _): return nil
        default: throw .redis(.malformed)
        }
    }

    private func blinded(_ kind: String, _ name: [UInt8]) -> String {
        Hex.encode(keys.blind([Array(kind.utf8), name]))
    }

    // MARK: - The master key

    /// Whether what is here is under the active key; refuses what is under none of the ring. A new store is.
    func isOfActiveKey() async throws(StoreError) -> Bool {
        guard let sealed = try await send(RedisCommand("GET", key("check"))).bytes else { return true }
        guard let id = try? KeyRing.keyID(of: sealed[...]) else { throw .foreign }
        guard let opened = try? keys.open(sealed[...], for: .check, context: Self.checkContext) else {
            throw .wrongKey(id)
        }
        guard let version = opened.plain.first, version <= RedisRecord.format else {
            throw .newerSchema(found: Int(opened.plain.first ?? 0), known: Int(RedisRecord.format))
        }
        return opened.isOfActiveKey
    }

    /// Seals everything that the previous key sealed with the active one; what does not open stays what it is.
    ///
    /// It may be interrupted at any instant, and others may write meanwhile: until all is done, the store counts as the
    /// previous key's.
    ///
    /// - Returns: How many records that were.
    func reseal(at now: Int64) async throws(StoreError) -> Int {
        var count = 0
        for row in try await rows(try await recordKeys()) {
            guard let opened = row.open(with: keys), !opened.isOfActiveKey else { continue }
            let new = RedisRecord(opened.record, keys: keys)
            let stays = max(1, milliseconds(opened.record, at: now))
            let names = [row, new].map { "record:\($0.key.text)" }
            let hasMoved = try await isOne(
                RedisScripts.move, names, [row.sealed, new.sealed, Array("\(stays)".utf8)])
            if hasMoved { count += 1 }
        }
        _ = try await send(RedisCommand([Array("SET".utf8), Array(key("check").utf8), check]))
        return count
    }

    // MARK: - Records

    /// All records, and the keys of those that are not as they were written.
    func load() async throws(StoreError) -> (records: [Record], refused: [RedisRecord.Key]) {
        try await open(rows(try await recordKeys()))
    }

    /// Those of these keys, in full, that are still there.
    func records(_ names: [[UInt8]]) async throws(StoreError) -> (records: [Record], refused: [RedisRecord.Key]) {
        let beginning = Array(key("record:").utf8)
        let found = names.filter { $0.starts(with: beginning) }.compactMap {
            RedisRecord.Key($0.dropFirst(beginning.count))
        }
        return try await open(rows(Set(found)))
    }

    private func open(_ rows: [RedisRecord]) -> (records: [Record], refused: [RedisRecord.Key]) {
        var records: [Record] = []
        var refused: [RedisRecord.Key] = []
        for row in rows {
            if let opened = row.open(with: keys) { records.append(opened.record) } else { refused.append(row.key) }
        }
        return (records, refused)
    }

    func commit(_ records: [Record], at now: Int64) async throws(CommitFailure) {
        do throws(StoreError) {
            // Without records too: it tells whether anything would be taken.
            // Claims end last: then what they have brought is there.
            var rest = (records.filter(\.ended.isEmpty) + records.filter { !$0.ended.isEmpty })[...]
            repeat {
                try await commit(rest.prefix(Self.atOnce), at: now)
                rest = rest.dropFirst(Self.atOnce)
            } while !rest.isEmpty
        } catch {
            // What has ended goes by itself, but for what is to go before its time.
            let obsolete = records.filter { $0.end > 0 && $0.end <= now }
            throw CommitFailure(error: error, obsolete: Set(obsolete.map(\.id)))
        }
    }

    private func commit(_ records: ArraySlice<Record>, at now: Int64) async throws(StoreError) {
        var names = ["number", "epoch", "check", "feed"]
        var arguments = [name, "\(known())"].bytes + [check, Array("\(records.count)".utf8)]
        for record in records {
            let row = RedisRecord(record, keys: keys)
            names.append("record:\(row.key.text)")
            arguments += [row.sealed, Array("\(milliseconds(record, at: now))".utf8)]
        }
        for claim in records.flatMap(\.ended) {
            names.append("claim:\(blinded("claim", claim.name))")
            let token = claim.token.map { key("record:\(RedisRecord.Key(of: $0, keys: keys).text)") } ?? ""
            arguments += ["\(claim.fence)", token].bytes
        }
        let answer = try await run(RedisScripts.commit, names, arguments)
        guard let elements = answer.elements, let feed = FeedState(elements) else { throw .redis(.malformed) }
        committed(feed, elements[2].integer == 1)
    }

    /// How long a record stays; 0 for one that is to be deleted.
    private func milliseconds(_ record: Record, at now: Int64) -> Int64 {
        record.end > now ? (record.end - now + Self.grace) * 1000 : 0
    }

    /// What is there of these.
    private func rows(_ keys: Set<RedisRecord.Key>) async throws(StoreError) -> [RedisRecord] {
        var rows: [RedisRecord] = []
        var found = Array(keys)[...]
        while !found.isEmpty {
            let some = found.prefix(Self.atOnce)
            found = found.dropFirst(some.count)
            let texts = some.map { Array(key("record:\($0.text)").utf8) }
            guard let values = try await send(RedisCommand([Array("MGET".utf8)] + texts)).elements,
                values.count == some.count
            else { throw .redis(.malformed) }
            // One may have gone meanwhile.
            for (key, value) in zip(some, values) { value.bytes.map { rows.append(RedisRecord(key: key, sealed: $0)) } }
        }
        return rows
    }

    /// Of everything that is a record by its key.
    private func recordKeys() async throws(StoreError) -> Set<RedisRecord.Key> {
        // The same key may come more than once.
        var found: Set<RedisRecord.Key> = []
        let beginning = Array(key("record:").utf8)
        var cursor = Array("0".utf8)
        repeat {
            let command = ["SCAN", "MATCH", key("record:*"), "COUNT", "1000"].map { Array($0.utf8) }
            let page = try await send(RedisCommand([command[0], cursor] + command[1...])).elements
            guard let page, page.count == 2, let next = page[0].bytes, let names = page[1].elements else {
                throw .redis(.malformed)
            }
            for name in names.compactMap(\.bytes) where name.starts(with: beginning) {
                RedisRecord.Key(name.dropFirst(beginning.count)).map { _ = found.insert($0) }
            }
            cursor = next
        } while cursor != Array("0".utf8)
        return found
    }

    /// What the server does with keys when its memory is full; nil where it does not say.
    func evictionPolicy() async -> String? {
        guard let text = try? await send(RedisCommand("INFO", "memory")).bytes else { return nil }
        let name = "maxmemory_policy:"
        return String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
    }

    // MARK: - Commands

    private func key(_ name: String) -> String { "\(prefix):\(name)" }

    private func send(_ command: RedisCommand) async throws(StoreError) -> RESPValue {
        do throws(RedisError) { return try await client.send(command) } catch { throw .redis(error) }
    }

    private func run(_ script: String, _ names: [String], _ arguments: [[UInt8]]) async throws(StoreError) -> RESPValue
    {
        let head = ["EVAL", script, "\(names.count)"] + names.map(key)
        return try await send(RedisCommand(head.bytes + arguments))
    }

    /// Runs a script that answers 1 or 0.
    private func isOne(_ script: String, _ names: [String], _ arguments: [[UInt8]]) async throws(StoreError) -> Bool {
        guard let number = try await run(script, names, arguments).integer else { throw .redis(.malformed) }
        return number == 1
    }
}

extension [String] {
    fileprivate var bytes: [[UInt8]] { map { [UInt8]($0.utf8) } }
}
