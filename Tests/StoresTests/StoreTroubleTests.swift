import Foundation
import Sealing
import Support
import Testing
import TokenBroker

@testable import Stores

/// A disk that takes nothing, and what becomes of what a store is given meanwhile.
struct StoreTroubleTests {
    private let keys = KeyRing(active: .generate())

    /// Records that need more room than a small file has.
    private let many = (0..<200).map { Record.token("\($0)", payload: String(repeating: "x", count: 1000)) }

    @Test func `a full file degrades to memory, says so once, and recovers by itself`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        try await store.writer.execute("PRAGMA max_page_count=5")
        store.keep(many)
        #expect(await folder.settle(store) == false)
        let trouble = try #require(store.condition.trouble)
        #expect(trouble == .init(reason: "database or disk is full (SQLite 13)", since: StoreFolder.now))
        #expect(folder.metric("tokenwell_store_up") == "0")
        #expect(folder.metric("tokenwell_store_pending_records") == "200")

        // While it is known that nothing can be kept, nobody waits for it.
        store.keep([.token("new")])
        #expect(await store.settle() == false)
        folder.advanceWall(by: 1)
        await folder.pass()
        await folder.clock.sleepers(1)
        #expect(store.condition.pending == 201)
        #expect(store.condition.trouble == trouble)
        #expect(folder.log.split(separator: "\n").filter { $0.contains("takes nothing") }.count == 1)

        try await store.writer.execute("PRAGMA max_page_count=1000000")
        folder.advanceWall(by: 2)
        await folder.pass()
        await folder.clock.sleepers(1)
        #expect(store.condition == StoreCondition())
        #expect(await store.settle())
        #expect(folder.metric("tokenwell_store_up") == "1")
        #expect(folder.metric(#"tokenwell_store_commits_total{outcome="failed"}"#) == "2")
        #expect(folder.log.contains("keeps what it is given again") && folder.log.contains(#""after_seconds":"3""#))
        await store.writer.close()
        #expect(Set(try folder.open(keys).records) == Set(many + [.token("new")]))
    }

    @Test func `what ended meanwhile is no longer pending, unless it stands in the file with a later end`() async throws
    {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        store.keep([.token("in the file", after: 3600)])
        #expect(await folder.settle(store))
        try await store.writer.execute("PRAGMA query_only=ON")
        store.keep(many + [.token("in the file", after: 60), .token("lives", after: 3600)])
        #expect(await folder.settle(store) == false)
        #expect(store.condition.pending == 202)
        folder.advanceWall(by: 60)
        await folder.pass()
        await folder.clock.sleepers(1)
        #expect(store.condition.pending == 2)
        try await store.writer.execute("PRAGMA query_only=OFF")
        await folder.pass()
        await folder.clock.sleepers(1)
        #expect(store.condition.pending == 0)
        await store.writer.close()
        #expect(try folder.rows() == [StoreFolder.now + 3600])
    }

    @Test func `a file that may not be written any more degrades too`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        try await store.writer.execute("PRAGMA query_only=ON")
        store.keep([.token("a")])
        #expect(await folder.settle(store) == false)
        #expect(store.condition.trouble?.reason == "attempt to write a readonly database (SQLite 8)")
        try await store.writer.execute("PRAGMA query_only=OFF")
        await folder.pass()
        await folder.clock.sleepers(1)
        #expect(store.condition == StoreCondition())
        await store.writer.close()
    }

    @Test func `what the file takes again when the store is closed is not lost`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        try await store.writer.execute("PRAGMA max_page_count=5")
        store.keep(many)
        #expect(await folder.settle(store) == false)
        try await store.writer.execute("PRAGMA max_page_count=1000000")
        await store.close(within: .seconds(60))
        #expect(try folder.open(keys).records.count == many.count)
    }

    @Test func `closing in trouble says what is lost`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        try await store.writer.execute("PRAGMA max_page_count=5")
        store.keep(many)
        #expect(await folder.settle(store) == false)
        await store.close(within: .seconds(60))
        #expect(folder.log.contains("closed without what it did not take") && folder.log.contains(#""records":"200""#))
    }

    @Test func `a file that becomes corrupt while it is open is left alone`() async throws {
        let folder = try StoreFolder()
        try await folder.write(many, keys)
        let (store, _) = try folder.open(keys)
        try await store.writer.execute("PRAGMA shrink_memory")
        try folder.overwritePages()
        store.keep((0..<2000).map { .token("new \($0)") })
        #expect(await folder.settle(store) == false)
        #expect(store.condition.trouble?.reason.contains("malformed") == true)
        #expect(store.condition.pending == 0)
        store.keep([.token("a")])
        #expect(await store.settle() == false)
        #expect(folder.log.contains("the store is corrupt"))
        await store.writer.close()
        let (next, _) = try folder.open(keys)
        #expect(folder.names.contains { $0.hasPrefix("tokenwell.db.corrupt-") })
        await next.writer.close()
    }

    @Test func `pauses double up to half a minute`() {
        var delay = RetryDelay(longest: .seconds(30))
        #expect((0..<7).map { _ in delay.next() } == [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
    }

    // MARK: - A disk of its own

    @Test(.enabled(if: SmallDisk.isPossible)) func `a full disk degrades to memory and recovers`() async throws {
        let disk = try SmallDisk()
        let folder = try StoreFolder(disk.path + "/store")
        let (store, _) = try folder.open(keys)
        let large = (0..<2000).map { Record.token("\($0)", payload: String(repeating: "x", count: 1000)) }
        store.keep(large)
        #expect(await folder.settle(store) == false)
        #expect(store.condition.trouble?.reason.contains("full") == true)
        #expect(store.condition.pending == large.count)
        try disk.grow()
        await folder.pass()
        await folder.clock.sleepers(1)
        #expect(store.condition == StoreCondition())
        await store.writer.close()
        #expect(Set(try folder.open(keys).records) == Set(large))
    }

    @Test(.enabled(if: SmallDisk.isPossible)) func `what is in a store is there when its disk is full`() async throws {
        let disk = try SmallDisk()
        let folder = try StoreFolder(disk.path + "/store")
        try await folder.write([.token("a")], keys)
        try disk.fill()
        let (store, records) = try folder.open(keys)
        #expect(records == [.token("a")])
        await store.writer.close()
    }

    @Test(.enabled(if: SmallDisk.isPossible)) func `a disk that is read-only from the start is refused`() async throws {
        let disk = try SmallDisk()
        let folder = try StoreFolder(disk.path + "/store")
        try await folder.write([.token("a")], keys)
        try disk.makeReadOnly()
        #expect(throws: StoreError.system(call: "access", errno: EROFS)) { _ = try folder.open(keys) }
    }
}

extension StoreWriter {
    /// Runs a statement on the store's own connection.
    fileprivate func execute(_ sql: String) throws { try file?.execute(sql) }
}

extension StoreFile {
    fileprivate func execute(_ sql: String) throws(StoreError) { try database.execute(sql) }
}
