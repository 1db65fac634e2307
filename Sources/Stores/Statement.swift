import CSQLite

/// A compiled statement, to be run any number of times. Parameters count from 1, columns from 0, as in SQLite.
struct Statement: ~Copyable, @unchecked Sendable {
    // Sendable like the connection that it belongs to, with which it is used and sent.
    private let statement: OpaquePointer

    init(_ statement: OpaquePointer) { self.statement = statement }

    deinit { sqlite3_finalize(statement) }

    // MARK: - Parameters

    func bind(_ value: Int64, at index: Int32) throws(StoreError) {
        try check(sqlite3_bind_int64(statement, index, value))
    }

    func bind(_ value: String, at index: Int32) throws(StoreError) {
        try check(tokenwell_sqlite3_bind_text(statement, index, value, Int32(value.utf8.count)))
    }

    func bind(_ value: [UInt8], at index: Int32) throws(StoreError) {
        try check(tokenwell_sqlite3_bind_blob(statement, index, value, Int32(value.count)))
    }

    // MARK: - Running

    /// Goes on to the next row; false when there is none.
    func step() throws(StoreError) -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw .sqlite(ResultCode(number: code))
        }
    }

    /// Runs a statement that gives no rows, and makes it ready to run again.
    func run() throws(StoreError) {
        defer { reset() }
        _ = try step()
    }

    /// Makes the statement ready to run again; the parameters stay as they are.
    func reset() { sqlite3_reset(statement) }

    // MARK: - Columns of the row

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    func bytes(_ column: Int32) -> [UInt8] {
        // The pointer is good until the next step, and null for what is empty.
        let start = sqlite3_column_blob(statement, column)
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
    }

    private func check(_ code: Int32) throws(StoreError) {
        guard code == SQLITE_OK else { throw .sqlite(ResultCode(number: code)) }
    }
}
