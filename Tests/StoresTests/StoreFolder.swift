import Foundation
import Logging
import Sealing
import Support
import Synchronization
import Telemetry
import Testing
import TokenBroker

@testable import Stores

/// A temporary folder with a store in it, which goes when this does; its clocks stand still until a test moves them.
final class StoreFolder: Sendable {
    static let now: Int64 = 1_800_000_000

    let folder: String
    let metrics = MetricsRegistry()
    private let lines = Mutex<[UInt8]>([])
    private let wall = Mutex(StoreFolder.now)
    private let latestClock = Mutex(ManualClock())

    init(_ folder: String = NSTemporaryDirectory() + "store-\(UUID().uuidString)") throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// That of the store that was opened last: what sleeps in an earlier one is not to be woken.
    var clock: ManualClock { latestClock.withLock { $0 } }
    var path: String { folder + "/tokenwell.db" }
    var log: String { lines.withLock { String(decoding: $0, as: UTF8.self) } }
    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }

    var logger: Logger {
        Logger(label: "store") { label in
            LineLogHandler(
                JSONLogFormat(label: label), logLevel: .trace,
                sink: { line in self.lines.withLock { $0.append(contentsOf: line) } })
        }
    }

    func open(_ keys: KeyRing) throws(StoreError) -> (store: SQLiteStore, records: [Record]) {
        latestClock.withLock { $0 = ManualClock() }
        let (store, kept) = try SQLiteStore.open(
            path, keys: keys, timekeeper: clock, metrics: metrics, logger: logger, patience: .zero,
            seconds: { [self] in wall.withLock { $0 } })
        return (store, kept.records)
    }

    /// Has the store make durable what it was given.
    func settle(_ store: SQLiteStore) async -> Bool {
        async let isSettled = store.settle()
        await pass()
        return await isSettled
    }

    /// Lets the time pass for which the store waits now: it gathers, or leaves the file alone.
    func pass() async {
        await clock.sleepers(1)
        if let deadline = clock.nextDeadline { clock.advance(by: clock.now.duration(to: deadline)) }
    }

    /// Writes records into the store, which is closed afterwards.
    func write(_ records: [Record], _ keys: KeyRing) async throws {
        let (store, _) = try open(keys)
        store.keep(records)
        _ = await settle(store)
        await store.writer.close()
    }

    func advanceWall(by seconds: Int64) { wall.withLock { $0 += seconds } }

    /// The bytes of the file and of its log, by what follows the file's name. Not while a store is open: that would take its
    /// lock away.
    func content() throws -> [String: Data] {
        var content: [String: Data] = [:]
        for name in names where name.hasPrefix("tokenwell.db") {
            let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
            // An empty log is none.
            if !data.isEmpty { content[String(name.dropFirst("tokenwell.db".count))] = data }
        }
        return content
    }

    /// The bytes of any file in the folder.
    func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)) }

    /// Puts something in the place of the file.
    func write(_ content: some Sequence<UInt8>) throws { try Data(content).write(to: URL(fileURLWithPath: path)) }

    /// Writes over all of the file but its first page, past whoever has it open.
    func overwritePages() throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        let end = try file.seekToEnd()
        try file.seek(toOffset: 4096)
        try file.write(contentsOf: Data(repeating: 0xFF, count: Int(end) - 4096))
        try file.close()
    }

    /// Copies the file and its log as they are now.
    func copy(to other: StoreFolder) throws {
        for (suffix, data) in try content() { try data.write(to: URL(fileURLWithPath: other.path + suffix)) }
    }

    /// Who may do what with a file or folder.
    func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.posixPermissions] as? Int
    }

    /// When each row ends.
    func rows() throws(StoreError) -> [Int64] {
        let statement = try Database(path, patience: .zero).prepare("SELECT ends FROM record")
        var ends: [Int64] = []
        while try statement.step() { ends.append(statement.integer(0)) }
        return ends
    }

    /// Runs statements on the file as somebody would who can write to it.
    func tamper(_ sql: String) throws(StoreError) {
        let database = try Database(path, patience: .zero)
        database.settle()
        try database.execute(sql)
    }

    /// The number of a metric's series; nil without one.
    func metric(_ series: String) -> String? {
        String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix(series + " ") }.map { String($0.dropFirst(series.count + 1)) }
    }
}

extension Record {
    /// A token's record that ends a minute from now.
    static func token(_ name: String, of tenant: String = "acme", payload: String = "payload", after: Int64 = 60)
        -> Record
    {
        Record(
            .init(.token, tenant: tenant, name: Array(name.utf8)), end: StoreFolder.now + after,
            payload: Array(payload.utf8))
    }
}

/// What may have happened to a file.
enum Damage: CaseIterable, CustomTestStringConvertible {
    case notADatabase, cut, firstPage, randomPage

    var testDescription: String {
        switch self {
        case .notADatabase: "a text"
        case .cut: "cut in the middle"
        case .firstPage: "zeros behind the header"
        case .randomPage: "a page of random bytes"
        }
    }

    func done(to data: Data) -> Data {
        var data = data
        let page = 4096
        switch self {
        case .notADatabase: data = Data(String(repeating: "This is no database. ", count: 400).utf8)
        case .cut: data.removeLast(data.count / 2)
        case .firstPage: data.replaceSubrange(100..<page, with: repeatElement(0, count: page - 100))
        case .randomPage:
            var numbers = RandomNumbers(seed: 5)
            let start = data.count / page / 2 * page
            data.replaceSubrange(
                start..<start + page, with: (0..<page).map { _ in UInt8.random(in: 0...255, using: &numbers) })
        }
        return data
    }
}
