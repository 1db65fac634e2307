import Redis
import Sealing
import TokenBroker

/// What a broker has under its prefix in Redis.
///
/// | key                               | what                                                   |
/// |-----------------------------------|--------------------------------------------------------|
/// | `<prefix>:owner`                  | which broker has the store, see ``RedisScripts``       |
/// | `<prefix>:check`                  | tells whether the store is under a master key          |
/// | `<prefix>:record:<hex>:<hex>`     | see ``RedisRecord``                                    |
struct RedisPlace: RecordWriter {
    /// How long the store is ours after the last sign of life.
    static let lease = Duration.seconds(15)
    /// How much longer than it is of use a record stays: our clock and the server's may differ.
    private static let grace: Int64 = 300
    /// Records that are written, and read, at once.
    private static let atOnce = 256

    private static let checkContext = [Array("check".utf8)]

    private let client: RedisClient
    private let keys: KeyRing
    private let prefix: String
    private let owner: String
    /// What tells the master key.
    private let check: [UInt8]

    init(_ client: RedisClient, keys: KeyRing, prefix: String) {
        self.client = client
        self.keys = keys
        self.prefix = prefix
        owner = Hex.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
        check = keys.seal([RedisRecord.format], for: .check, context: Self.checkContext)
    }

    // MARK: - Whose it is

    /// Takes the store, if nobody else has it.
    func acquire() async throws(StoreError) -> Bool {
        try await run(RedisScripts.acquire, ["owner"], [Array(owner.utf8), Self.leaseText])
    }

    func close() async {
        // Without it others have to wait for the lease's end.
        _ = try? await run(RedisScripts.release, ["owner"], [Array(owner.utf8)])
    }

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

    // MARK: - Records

    /// All records, and the keys of those that are not as they were written.
    func load() async throws(StoreError) -> (records: [Record], refused: [RedisRecord.Key]) {
        var records: [Record] = []
        var refused: [RedisRecord.Key] = []
        for row in try await rows() {
            if let opened = row.open(with: keys) { records.append(opened.record) } else { refused.append(row.key) }
        }
        return (records, refused)
    }

    /// Seals everything that the previous key sealed with the active one; what does not open stays what it is.
    ///
    /// It may be interrupted at any instant: until all is done, the store counts as the previous key's.
    ///
    /// - Returns: How many records that were.
    func reseal(at now: Int64) async throws(StoreError) -> Int {
        var count = 0
        for row in try await rows() {
            guard let opened = row.open(with: keys), !opened.isOfActiveKey else { continue }
            try await commit([opened.record][...], removing: row.key, at: now)
            count += 1
        }
        _ = try await send(RedisCommand([Array("SET".utf8), Array(key("check").utf8), check]))
        return count
    }

    func commit(_ records: [Record], at now: Int64) async throws(CommitFailure) {
        do throws(StoreError) {
            // Without records too: it says that we are there.
            var rest = records[...]
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

    private func commit(
        _ records: ArraySlice<Record>, removing old: RedisRecord.Key? = nil, at now: Int64
    ) async throws(StoreError) {
        var names = ["owner", "last", "check"]
        var arguments = [Array(owner.utf8), Self.leaseText, check]
        for record in records {
            let row = RedisRecord(record, keys: keys)
            names.append("record:\(row.key.text)")
            let milliseconds = record.end > now ? (record.end - now + Self.grace) * 1000 : 0
            arguments += [row.sealed, Array("\(milliseconds)".utf8)]
        }
        if let old {
            names.append("record:\(old.text)")
            arguments += [[], Array("0".utf8)]
        }
        guard try await run(RedisScripts.commit, names, arguments) else { throw .takenOver }
    }

    /// Everything that is a record by its key.
    private func rows() async throws(StoreError) -> [RedisRecord] {
        var rows: [RedisRecord] = []
        var found = Array(try await recordKeys())[...]
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

    private static let leaseText = Array("\(Int(lease / .milliseconds(1)))".utf8)

    private func key(_ name: String) -> String { "\(prefix):\(name)" }

    private func send(_ command: RedisCommand) async throws(StoreError) -> RESPValue {
        do throws(RedisError) { return try await client.send(command) } catch { throw .redis(error) }
    }

    /// Runs a script that answers 1 or 0.
    private func run(_ script: String, _ names: [String], _ arguments: [[UInt8]]) async throws(StoreError) -> Bool {
        let head = ["EVAL", script, "\(names.count)"] + names.map(key)
        let answer = try await send(RedisCommand(head.map { Array($0.utf8) } + arguments))
        guard let number = answer.integer else { throw .redis(.malformed) }
        return number == 1
    }
}
