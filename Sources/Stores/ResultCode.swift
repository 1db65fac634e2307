import CSQLite

/// What SQLite answered that was neither success nor a row: an extended result code (sqlite.org/rescode.html).
package struct ResultCode: Hashable, Sendable {
    /// What a code comes to for a store.
    package enum Meaning: Sendable {
        /// There is no room: the disk, a quota or a limit of the file's size.
        case full
        case readOnly
        /// Another connection has the file.
        case busy
        /// The file is a database, and broken.
        case corrupt
        case notADatabase
        /// The disk failed, or the file cannot be reached.
        case inaccessible
        case other
    }

    package let number: Int32

    package var meaning: Meaning {
        switch number & 0xFF {
        case SQLITE_FULL: .full
        case SQLITE_READONLY: .readOnly
        case SQLITE_BUSY, SQLITE_LOCKED: .busy
        case SQLITE_CORRUPT: .corrupt
        case SQLITE_NOTADB: .notADatabase
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH: .inaccessible
        default: .other
        }
    }
}

extension ResultCode: CustomStringConvertible {
    /// SQLite's words for it. They quote nothing of the file or of a statement.
    package var description: String { "\(String(cString: sqlite3_errstr(number))) (SQLite \(number))" }
}
