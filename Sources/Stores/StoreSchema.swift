/// The tables of a store's file, and how those of earlier versions become them.
///
/// A file says whose it is by its `application_id`, and by its `user_version` how many of the steps it has seen.
struct StoreSchema: Sendable {
    /// `twel`: no file of another program has it.
    static let applicationID = 0x7477_656C

    /// Creates the records and what they are found by. `name` is blinded and `sealed` holds the rest: see ``RecordRow``.
    /// With row ids, as without them SQLite keeps no more than 1002 bytes of a row in its page: the rest of nearly every
    /// token would have a page of its own, and a file of 100,000 tenants 520 MB instead of a third.
    static let records = """
        CREATE TABLE record (
            kind INTEGER NOT NULL, tenant TEXT NOT NULL, name BLOB NOT NULL, ends INTEGER NOT NULL, sealed BLOB NOT NULL,
            PRIMARY KEY (kind, tenant, name)
        ) STRICT;
        CREATE INDEX record_ends ON record (ends);
        """

    static let current = StoreSchema(steps: [
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID; \(records)"
    ])

    /// What leads from each version to the next, the first from an empty file.
    let steps: [String]

    var version: Int { steps.count }

    /// Runs the steps that a file of `version` has not seen; to be run within a transaction.
    func migrate(_ database: borrowing Database, from version: Int) throws(StoreError) {
        for step in steps[version...] { try database.execute(step) }
        try database.execute("PRAGMA application_id=\(Self.applicationID); PRAGMA user_version=\(self.version)")
    }
}
