import CSQLite

/// A connection to a SQLite file: closed when it is let go.
///
/// - Invariant (`@unchecked Sendable`): it cannot be copied, so only one at a time has it, which is all that a connection
///   without a mutex of its own asks for.
struct Database: ~Copyable, @unchecked Sendable {
    private let connection: OpaquePointer

    /// Opens a file that is there. It is not read yet, and until ``settle()`` not changed by closing it either.
    ///
    /// - Parameter patience: How long to wait for another process to let go of the file.
    init(_ path: String, patience: Duration) throws(StoreError) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            sqlite3_close_v2(opened)
            throw .sqlite(ResultCode(number: code))
        }
        connection = opened
        sqlite3_busy_timeout(connection, Int32(patience / .milliseconds(1)))
        // What a crash left in the log is not to be moved into a file that then turns out not to be ours to open.
        tokenwell_sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        tokenwell_sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1)
    }

    deinit { sqlite3_close_v2(connection) }

    /// Has closing move the log into the file from now on.
    func settle() { tokenwell_sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0) }

    /// Runs statements without parameters, and ignores the rows that they give.
    func execute(_ sql: String) throws(StoreError) {
        let code = sqlite3_exec(connection, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw .sqlite(ResultCode(number: code)) }
    }

    /// Compiles one statement.
    func prepare(_ sql: String) throws(StoreError) -> Statement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw .sqlite(ResultCode(number: code)) }
        return Statement(statement)
    }

    /// The number in the only row that a query gives; nil without a row.
    func integer(_ sql: String) throws(StoreError) -> Int? {
        let statement = try prepare(sql)
        return try statement.step() ? Int(statement.integer(0)) : nil
    }

    /// The text in the first row that a query gives; nil without a row.
    func text(_ sql: String) throws(StoreError) -> String? {
        let statement = try prepare(sql)
        return try statement.step() ? statement.text(0) : nil
    }

    /// Runs `body` in a transaction: all of it is durable when this returns, and nothing of it stays when it throws.
    func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError) {
        try execute("BEGIN IMMEDIATE")
        do throws(StoreError) {
            try body()
            try execute("COMMIT")
        } catch {
            // SQLite has rolled back by itself after some errors.
            if sqlite3_get_autocommit(connection) == 0 { sqlite3_exec(connection, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }
}
