import Sealing
import TokenBroker

/// The file of a store, open, of this version, and under the active master key.
///
/// Nothing is written before all of that is known: a file that is refused stays as it is. The structure is checked too, as
/// a broken page would else be found when it is too late to set the file aside.
///
/// The log (`-wal`) is synchronized at every commit, and moved into the file whenever it has 1000 pages. While this
/// exists no other process can open the file.
struct StoreFile: ~Copyable {
    /// Told while records are sealed anew: how many are done, of how many.
    typealias Progress = (_ done: Int, _ of: Int) -> Void

    /// How many ended records one commit deletes at most.
    static let prunedPerCommit = 500

    let database: Database
    private let keys: KeyRing
    private let put, remove, prune, end: Statement
    private static let columns = "kind, tenant, name, ends, sealed"

    /// Opens the file at `path`, and makes it what it has to be: an empty one a store, one of an earlier version of this
    /// one, and one under the previous master key one under the active, each in one transaction.
    init(
        _ path: String, keys: KeyRing, schema: StoreSchema = .current, patience: Duration = .zero,
        progress: Progress = { _, _ in }
    ) throws(StoreError) {
        let database = try Database(path, patience: patience)
        // The log's index is in memory, as nobody shares it; what is deleted is overwritten.
        try database.execute(
            """
            PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;
            PRAGMA synchronous=FULL; PRAGMA secure_delete=ON
            """)
        let version = try Self.version(of: database, knowing: schema)
        let isOfActiveKey = version == 0 ? true : try Self.check(database, keys: keys)
        database.settle()
        // 1000 pages and more after a large commit, of which 4 MiB stay.
        try database.execute(
            "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=1000; PRAGMA journal_size_limit=4194304")
        if version < schema.version {
            try database.transaction { () throws(StoreError) in
                try schema.migrate(database, from: version)
                if version == 0 { try Self.writeCheck(database, keys: keys) }
            }
        }
        if !isOfActiveKey { try Self.reseal(database, keys: keys, progress: progress) }
        try self.init(database, keys: keys)
    }

    /// - Parameter database: A store's, of this version and under the active key.
    private init(_ database: consuming Database, keys: KeyRing) throws(StoreError) {
        let key = "kind = ?1 AND tenant = ?2 AND name = ?3"
        let put = try database.prepare(
            """
            INSERT INTO record (\(Self.columns)) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET ends = excluded.ends, sealed = excluded.sealed
            """)
        let remove = try database.prepare("DELETE FROM record WHERE \(key)")
        let end = try database.prepare("SELECT ends FROM record WHERE \(key)")
        let prune = try database.prepare(
            """
            DELETE FROM record WHERE rowid IN (
                SELECT rowid FROM record WHERE ends <= ?1 ORDER BY ends LIMIT \(Self.prunedPerCommit))
            """)
        self.put = put
        self.remove = remove
        self.prune = prune
        self.end = end
        self.keys = keys
        self.database = database
    }

    // MARK: - What the file is

    /// The version of the file's schema; 0 for one that is empty.
    private static func version(of database: borrowing Database, knowing schema: StoreSchema) throws(StoreError) -> Int
    {
        let version = try database.integer("PRAGMA user_version") ?? 0
        guard try database.integer("PRAGMA application_id") == StoreSchema.applicationID else {
            let isEmpty = try database.integer("SELECT count(*) FROM sqlite_schema") == 0
            guard isEmpty, version == 0 else { throw .foreign }
            return 0
        }
        guard version <= schema.version else { throw .newerSchema(found: version, known: schema.version) }
        guard try database.text("PRAGMA quick_check(1)") == "ok" else { throw .malformed }
        return version
    }

    private static let checkContext = [Array("check".utf8)]

    /// Whether the file is under the active key; refuses one that is under none of the ring.
    private static func check(_ database: borrowing Database, keys: KeyRing) throws(StoreError) -> Bool {
        let statement = try database.prepare("SELECT value FROM meta WHERE name = 'check'")
        guard try statement.step() else { throw .malformed }
        let sealed = statement.bytes(0)
        guard let id = try? KeyRing.keyID(of: sealed[...]) else { throw .malformed }
        guard let opened = try? keys.open(sealed[...], for: .check, context: checkContext) else { throw .wrongKey(id) }
        return opened.isOfActiveKey
    }

    private static func writeCheck(_ database: borrowing Database, keys: KeyRing) throws(StoreError) {
        let statement = try database.prepare("REPLACE INTO meta (name, value) VALUES ('check', ?1)")
        try statement.bind(keys.seal([], for: .check, context: checkContext), at: 1)
        try statement.run()
    }

    // MARK: - Another master key

    /// Seals every record with the active key, into a table of its own: blinded names change too.
    private static func reseal(
        _ database: borrowing Database, keys: KeyRing, progress: Progress
    ) throws(StoreError) {
        try database.transaction { () throws(StoreError) in
            try database.execute(
                "DROP INDEX record_ends; ALTER TABLE record RENAME TO previous; \(StoreSchema.records)")
            try copyResealed(database, keys: keys, progress: progress)
            try database.execute("DROP TABLE previous")
            try writeCheck(database, keys: keys)
        }
    }

    private static func copyResealed(
        _ database: borrowing Database, keys: KeyRing, progress: Progress
    ) throws(StoreError) {
        let count = try database.integer("SELECT count(*) FROM previous") ?? 0
        let rows = try database.prepare("SELECT \(columns) FROM previous")
        let put = try database.prepare("INSERT INTO record (\(columns)) VALUES (?1, ?2, ?3, ?4, ?5)")
        var done = 0
        while try rows.step() {
            let row = rows.row()
            // What does not open stays what it is.
            try put.bind(row.open(with: keys).map { RecordRow($0, keys: keys) } ?? row)
            try put.run()
            done += 1
            if done.isMultiple(of: 1000) || done == count { progress(done, count) }
        }
    }

    // MARK: - Records

    /// All records, and the keys of the rows that are not as they were written. Those that have ended are among them: the
    /// wall clock may be wrong, and whoever reads them has a better one.
    func load() throws(StoreError) -> (records: [Record], refused: [RecordRow.Key]) {
        let rows = try database.prepare("SELECT \(Self.columns) FROM record")
        var records: [Record] = []
        var refused: [RecordRow.Key] = []
        while try rows.step() {
            let row = rows.row()
            if let record = row.open(with: keys) { records.append(record) } else { refused.append(row.key) }
        }
        return (records, refused)
    }

    /// Makes all of `records` durable or none: those that have ended are deleted, and of others that have some too.
    ///
    /// - Parameter now: Seconds since 1970.
    func commit(_ records: [Record], at now: Int64) throws(StoreError) {
        try database.transaction { () throws(StoreError) in
            for record in records {
                if record.end > now {
                    try put.bind(RecordRow(record, keys: keys))
                    try put.run()
                } else {
                    try remove.bind(RecordRow.Key(of: record.id, keys: keys))
                    try remove.run()
                }
            }
            try prune.bind(now, at: 1)
            try prune.run()
        }
    }

    /// Whether the file has a record with that id which has not ended.
    func holds(_ id: Record.ID, at now: Int64) throws(StoreError) -> Bool {
        try end.bind(RecordRow.Key(of: id, keys: keys))
        defer { end.reset() }
        return try end.step() && end.integer(0) > now
    }
}

extension Statement {
    fileprivate func bind(_ key: RecordRow.Key) throws(StoreError) {
        try bind(Int64(key.kind), at: 1)
        try bind(key.tenant, at: 2)
        try bind(key.name, at: 3)
    }

    fileprivate func bind(_ row: RecordRow) throws(StoreError) {
        try bind(row.key)
        try bind(row.end, at: 4)
        try bind(row.sealed, at: 5)
    }

    /// The row of a query for the columns.
    fileprivate func row() -> RecordRow {
        RecordRow(
            key: .init(kind: UInt8(truncatingIfNeeded: integer(0)), tenant: text(1), name: bytes(2)), end: integer(3),
            sealed: bytes(4))
    }
}
