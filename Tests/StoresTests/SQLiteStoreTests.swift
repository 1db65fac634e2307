import Foundation
import Sealing
import Support
import Telemetry
import Testing
import TokenBroker

@testable import Stores

struct SQLiteStoreTests {
    private let keys = KeyRing(active: .generate())

    @Test func `what was kept is there after it was closed and opened again`() async throws {
        let folder = try StoreFolder()
        let (store, none) = try folder.open(keys)
        #expect(none.isEmpty)
        let records: Set = [
            .token("a"), .token("b", of: "globex", payload: ""),
            Record(.init(.credential, tenant: "", name: [0, 255]), end: .max, payload: [0, 1, 255]),
            Record(.init(.tenant, tenant: "acme"), end: .max, payload: [7]),
        ]
        store.keep(Array(records))
        #expect(await folder.settle(store))
        await store.writer.close()
        let (_, found) = try folder.open(keys)
        #expect(Set(found) == records)
        #expect(found.count == records.count)
    }

    @Test func `what a process left behind that was killed is there`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        store.keep([.token("a")])
        #expect(await folder.settle(store))
        let copy = try StoreFolder()
        try folder.copy(to: copy)
        #expect(copy.names == ["tokenwell.db", "tokenwell.db-wal"])
        #expect(try copy.open(keys).records == [.token("a")])
        await store.writer.close()
    }

    @Test func `a record takes the place of the one with its id`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        for payload in ["1", "2", "3"] {
            store.keep([.token("a", payload: payload)])
            if payload == "1" { #expect(await folder.settle(store)) }
        }
        #expect(store.condition.pending == 1)
        #expect(await folder.settle(store))
        await store.writer.close()
        #expect(try folder.open(keys).records == [.token("a", payload: "3")])
    }

    @Test func `all that comes within 20 ms is one commit`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        for number in 0..<100 { store.keep([.token("\(number)")]) }
        #expect(await folder.settle(store))
        #expect(folder.metric(#"tokenwell_store_commits_total{outcome="ok"}"#) == "1")
        #expect(folder.metric("tokenwell_store_commit_seconds_count") == "1")
        #expect(await store.settle(), "nothing is pending, so there is nothing to wait for")
        #expect(store.condition == StoreCondition())
        await store.writer.close()
    }

    @Test func `a record that has ended is deleted, and no other`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        store.keep([.token("a"), .token("b"), .token("c", after: 3600)])
        #expect(await folder.settle(store))
        store.keep([.token("a", after: 0)])
        #expect(await folder.settle(store))
        await store.writer.close()
        #expect(try folder.rows().sorted() == [StoreFolder.now + 60, StoreFolder.now + 3600])
    }

    @Test func `what ended by itself is deleted a few at a time`() async throws {
        let folder = try StoreFolder()
        let limit = StoreFile.prunedPerCommit
        try await folder.write((0..<limit + 2).map { .token("\($0)") } + [.token("later", after: 3600)], keys)
        folder.advanceWall(by: 60)
        for left in [3, 1] {
            let (store, records) = try folder.open(keys)
            #expect(records.contains(.token("later", after: 3600)))
            store.keep([.token("later", after: 3600)])
            #expect(await folder.settle(store))
            await store.writer.close()
            #expect(try folder.rows().count == left)
        }
    }

    @Test func `nothing in the files is in clear`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        store.keep([.token("n4me-of-a-record", payload: "s3cret-t0ken")])
        #expect(await folder.settle(store))
        let copy = try StoreFolder()
        try folder.copy(to: copy)
        await store.writer.close()
        for content in [try copy.content(), try folder.content()] {
            #expect(!content.isEmpty)
            for (_, data) in content {
                #expect(data.range(of: Data("n4me-of".utf8)) == nil)
                #expect(data.range(of: Data("s3cret".utf8)) == nil)
            }
        }
        #expect(!folder.log.contains("s3cret") && !folder.log.contains("n4me"))
    }

    @Test func `the files are their owner's alone, and so is the folder that is made`() async throws {
        let folder = try StoreFolder()
        let place = folder.folder + "/made/tokenwell.db"
        let (store, _) = try SQLiteStore.open(
            place, keys: keys, timekeeper: folder.clock, metrics: folder.metrics, logger: folder.logger)
        #expect(try folder.mode("made") == 0o700)
        #expect(try folder.mode("made/tokenwell.db") == 0o600)
        #expect(try folder.mode("made/tokenwell.db-wal") == 0o600)
        await store.writer.close()
    }

    @Test func `what was kept before closing is durable, and later it is known that nothing is`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        store.keep([.token("a")])
        await folder.clock.sleepers(1)
        async let closed: Void = store.close(within: .seconds(1))
        await folder.pass()
        await closed
        store.keep([.token("b")])
        #expect(await store.settle() == false)
        #expect(folder.names == ["tokenwell.db"])
        #expect(try folder.open(keys).records == [.token("a")])
    }

    // MARK: - Refusals

    @Test func `a second one is refused while the first has it, and not after that`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        let refusal = #expect(throws: StoreError.self) { _ = try folder.open(keys) }
        #expect(refusal?.description == "another process has it open")
        await store.writer.close()
        _ = try folder.open(keys)
    }

    @Test func `another master key is refused, and changes nothing`() async throws {
        let folder = try StoreFolder()
        let key = MasterKey.generate()
        try await folder.write([.token("a")], KeyRing(active: key))
        let content = try folder.content()
        #expect(throws: StoreError.wrongKey(key.id)) { _ = try folder.open(keys) }
        #expect(try folder.content() == content)
    }

    @Test func `another master key changes nothing of what a killed process left`() async throws {
        let folder = try StoreFolder()
        let (store, _) = try folder.open(keys)
        store.keep([.token("a")])
        #expect(await folder.settle(store))
        let copy = try StoreFolder()
        try folder.copy(to: copy)
        await store.writer.close()
        let content = try copy.content()
        #expect(content.count == 2)
        #expect(throws: StoreError.self) { _ = try copy.open(KeyRing(active: .generate())) }
        #expect(try copy.content() == content)
        #expect(try copy.open(keys).records == [.token("a")])
    }

    @Test func `a later version's file is refused, and stays as it is`() async throws {
        let folder = try StoreFolder()
        try await folder.write([.token("a")], keys)
        try folder.tamper("PRAGMA user_version=7")
        let content = try folder.content()
        #expect(throws: StoreError.newerSchema(found: 7, known: 1)) { _ = try folder.open(keys) }
        #expect(try folder.content() == content)
    }

    @Test func `another program's database is refused, and stays as it is`() throws {
        let folder = try StoreFolder()
        try folder.write([])
        try folder.tamper("CREATE TABLE theirs (a)")
        let content = try folder.content()
        #expect(throws: StoreError.foreign) { _ = try folder.open(keys) }
        #expect(try folder.content() == content)
    }

    @Test func `a path that leads to no file is refused`() throws {
        let folder = try StoreFolder()
        for (path, error) in [
            ("", StoreError.notAFile), ("/none/none/tokenwell.db", .noFolder),
            ("/none/", .system(call: "open", errno: EISDIR)),
        ] {
            #expect(throws: error) {
                _ = try SQLiteStore.open(
                    folder.folder + path, keys: keys, timekeeper: folder.clock, metrics: folder.metrics,
                    logger: folder.logger)
            }
        }
    }

    // MARK: - Earlier versions

    @Test func `a file of an earlier version is brought to this one`() async throws {
        let folder = try StoreFolder()
        try await folder.write([.token("a")], keys)
        let schema = StoreSchema(
            steps: StoreSchema.current.steps + ["CREATE TABLE more (a)", "INSERT INTO more VALUES (5)"])
        let file = try StoreFile(folder.path, keys: keys, schema: schema)
        #expect(try file.load().records == [.token("a")])
        #expect(throws: StoreError.self) { _ = try folder.open(keys) }
    }

    @Test func `a step that fails leaves the file at its version`() async throws {
        let folder = try StoreFolder()
        try await folder.write([.token("a")], keys)
        let schema = StoreSchema(
            steps: StoreSchema.current.steps + ["CREATE TABLE more (a)", "INSERT INTO none VALUES (5)"])
        #expect(throws: StoreError.self) { _ = try StoreFile(folder.path, keys: keys, schema: schema) }
        #expect(try folder.open(keys).records == [.token("a")])
    }

    // MARK: - Damage

    @Test(arguments: Damage.allCases)
    func `a broken file is set aside, and another begun`(_ damage: Damage) async throws {
        let folder = try StoreFolder()
        try await folder.write((0..<200).map { .token("\($0)") }, keys)
        let broken = damage.done(to: try #require(try folder.content()[""]))
        try folder.write(broken)
        let (store, records) = try folder.open(keys)
        #expect(records.isEmpty)
        store.keep([.token("a")])
        #expect(await folder.settle(store))
        await store.writer.close()
        let aside = try #require(folder.names.first { $0.hasPrefix("tokenwell.db.corrupt-") })
        #expect(try folder.read(aside) == broken)
        #expect(folder.log.contains("the store is broken") && folder.log.contains(aside))
        #expect(try folder.open(keys).records == [.token("a")])
    }

    @Test func `two broken files of one second are both still there`() throws {
        let folder = try StoreFolder()
        for text in ["one", "two"] {
            try folder.write(Array(text.utf8))
            #expect(try StorePath(folder.path).setAside(at: .init(milliseconds: 1_800_000_000_250)).isEmpty == false)
        }
        #expect(
            folder.names == ["tokenwell.db.corrupt-20270115T080000Z", "tokenwell.db.corrupt-20270115T080000Z-2"])
    }

    @Test func `an empty file is a new store`() throws {
        let folder = try StoreFolder()
        try folder.write([])
        #expect(try folder.open(keys).records.isEmpty)
        #expect(!folder.log.contains("error"))
    }

    @Test(arguments: [
        ("tenant", "UPDATE record SET tenant = 'globex' WHERE tenant = 'acme'"),
        ("kind", "UPDATE record SET kind = 3 WHERE tenant = 'acme'"),
        ("no kind", "UPDATE record SET kind = 99 WHERE tenant = 'acme'"),
        ("name", "UPDATE record SET name = randomblob(16) WHERE tenant = 'acme'"),
        ("end", "UPDATE record SET ends = ends + 1 WHERE tenant = 'acme'"),
        ("content", "UPDATE record SET sealed = zeroblob(length(sealed)) WHERE tenant = 'acme'"),
        ("no content", "UPDATE record SET sealed = x'' WHERE tenant = 'acme'"),
    ])
    func `a record that was changed in the file is left out and stays there`(_ what: String, _ sql: String) async throws
    {
        let folder = try StoreFolder()
        try await folder.write([.token("a"), .token("b", of: "initech")], keys)
        try folder.tamper(sql)
        let (store, records) = try folder.open(keys)
        #expect(records == [.token("b", of: "initech")])
        #expect(folder.metric("tokenwell_store_records_refused_total") == "1")
        #expect(folder.log.contains("not as they were written"))
        #expect(folder.log.contains(what == "tenant" ? "globex" : "acme"))
        await store.writer.close()
        #expect(try folder.rows().count == 2)
    }
}
