import Glibc
package import Redis
package import Sealing

/// Why a store cannot be opened, or cannot keep something.
package enum StoreError: Error, Hashable, Sendable {
    case sqlite(ResultCode)
    /// A system call failed; the number is its `errno`.
    case system(call: String, errno: Int32)
    /// The folder that it would be in is not there, nor the one above.
    case noFolder
    /// There is something else than a regular file.
    case notAFile
    /// It is another program's database.
    case foreign
    /// A later version of Tokenwell wrote it.
    case newerSchema(found: Int, known: Int)
    /// It was sealed under a master key that is not given, or is not the one that the id says.
    case wrongKey(KeyID)
    /// SQLite's check of the file found mistakes in its structure.
    case malformed
    /// The store has been closed.
    case closed
    case redis(RedisError)

    /// Whether the file is beyond use, whoever opens it.
    var isDamage: Bool {
        switch self {
        case .sqlite(let code): code.meaning == .corrupt || code.meaning == .notADatabase
        case .malformed: true
        default: false
        }
    }

    /// The error of the system call that has just returned -1.
    static func last(_ call: String) -> StoreError { .system(call: call, errno: Glibc.errno) }
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .sqlite(let code) where code.meaning == .busy: "another process has it open"
        case .sqlite(let code): code.description
        case .system(let call, let number): "\(call): \(String(cString: strerror(number)))"
        case .noFolder: "its folder is not there, nor the one above"
        case .notAFile: "it is not a file"
        case .foreign: "it is another program's database"
        case .newerSchema(let found, let known):
            "it is of version \(found), from a later Tokenwell; this one knows up to \(known)"
        case .wrongKey(let id): "it is sealed under the master key \(id), which is not the one given"
        case .malformed: "it is broken"
        case .closed: "it is closed"
        case .redis(let error): error.description
        }
    }
}
