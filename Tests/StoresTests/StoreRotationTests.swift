import Sealing
import Testing
import TokenBroker

@testable import Stores

/// A master key that takes the place of another.
struct StoreRotationTests {
    private let old = MasterKey.generate()
    private let new = MasterKey.generate()
    private let records: Set<Record> = Set((0..<2500).map { .token("\($0)", of: "tenant-\($0 % 7)") })

    private var before: KeyRing { KeyRing(active: old) }
    private var both: KeyRing { KeyRing(active: new, previous: old) }
    private var after: KeyRing { KeyRing(active: new) }

    @Test func `opening with both keys seals everything anew`() async throws {
        let folder = try StoreFolder()
        try await folder.write(Array(records), before)
        let (store, found) = try folder.open(both)
        #expect(Set(found) == records)
        await store.writer.close()
        #expect(throws: StoreError.wrongKey(new.id)) { _ = try folder.open(before) }
        let (next, again) = try folder.open(after)
        #expect(Set(again) == records)
        // The name that a record is found by is the new key's too.
        next.keep([.token("1", of: "tenant-1", after: 0)])
        #expect(await folder.settle(next))
        await next.writer.close()
        #expect(try folder.rows().count == records.count - 1)
    }

    @Test func `a store that is under the active key already stays as it is`() async throws {
        let folder = try StoreFolder()
        try await folder.write(Array(records), after)
        let content = try folder.content()
        try SQLiteStore.reseal(folder.path, keys: both) { _, _ in Issue.record("nothing is to be done") }
        #expect(try folder.content() == content)
    }

    @Test func `how far it has come is told`() async throws {
        let folder = try StoreFolder()
        try await folder.write(Array(records), before)
        var told: [Int] = []
        try SQLiteStore.reseal(folder.path, keys: both) { done, count in
            #expect(count == 2500)
            told.append(done)
        }
        #expect(told == [1000, 2000, 2500])
        #expect(Set(try folder.open(after).records) == records)
    }

    @Test(arguments: [1000, 2500]) func `when it is killed on the way, everything is as it was`(_ instant: Int)
        async throws
    {
        let folder = try StoreFolder()
        try await folder.write(Array(records), before)
        let killed = try StoreFolder()
        try SQLiteStore.reseal(folder.path, keys: both) { done, _ in
            if done == instant { #expect(throws: Never.self) { try folder.copy(to: killed) } }
        }
        #expect(Set(try killed.open(before).records) == records)
        #expect(Set(try killed.open(both).records) == records)
    }

    @Test(.enabled(if: SmallDisk.isPossible)) func `without room for it, everything is as it was`() async throws {
        let disk = try SmallDisk()
        let folder = try StoreFolder(disk.path + "/store")
        try await folder.write(Array(records), before)
        let content = try folder.content()
        try disk.fill()
        let error = #expect(throws: StoreError.self) { _ = try folder.open(both) }
        #expect(error?.description.contains("full") == true)
        #expect(try folder.content() == content)
        #expect(Set(try folder.open(before).records) == records)
    }

    @Test func `a record that does not open stays what it is`() async throws {
        let folder = try StoreFolder()
        try await folder.write([.token("a"), .token("b", of: "globex")], before)
        try folder.tamper("UPDATE record SET tenant = 'initech' WHERE tenant = 'globex'")
        #expect(try folder.open(both).records == [.token("a")])
        #expect(try folder.rows().count == 2)
    }

    @Test func `a broken file is refused by the command, and not set aside`() throws {
        let folder = try StoreFolder()
        try folder.write(Array(repeating: UInt8(ascii: "x"), count: 5000))
        #expect(throws: StoreError.sqlite(ResultCode(number: 26))) {
            try SQLiteStore.reseal(folder.path, keys: both) { _, _ in }
        }
        #expect(folder.names == ["tokenwell.db"])
    }
}
