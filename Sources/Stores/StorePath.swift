import Glibc
import Telemetry

/// Where the file of a store is, and what is done there without SQLite.
struct StorePath {
    /// What SQLite puts beside the file, before the file itself: a log that stayed without its file would be taken for
    /// that of the next one.
    private static let parts = ["-wal", "-journal", ""]

    let path: String

    init(_ path: String) { self.path = path }

    /// Makes an empty file that only its owner can read, unless there is one, and the folder that it is in, but none above.
    ///
    /// An existing file is never opened here: closing a descriptor takes away all locks that the process has on its file.
    func prepare() throws(StoreError) {
        var status = stat()
        if stat(path, &status) != 0 {
            guard errno == ENOENT else { throw .last("stat") }
            return try create()
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        guard access(path, R_OK | W_OK) == 0 else { throw .last("access") }
    }

    /// Moves the file away, with what is beside it and over nothing.
    ///
    /// - Parameter now: Part of the new name: `tokenwell.db.corrupt-20261102T091530Z`.
    /// - Returns: Where it is now.
    func setAside(at now: Timestamp) throws(StoreError) -> String {
        let stamp = now.description.prefix { $0 != "." }.filter { $0 != "-" && $0 != ":" }
        let target = free("\(path).corrupt-\(stamp)Z")
        for part in Self.parts where exists(path + part) {
            guard rename(path + part, target + part) == 0 else { throw .last("rename") }
        }
        return target
    }

    private func create() throws(StoreError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        if !folder.isEmpty, mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw errno == ENOENT ? .noFolder : .last("mkdir")
        }
        let descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open") }
        close(descriptor)
    }

    /// The name, or the first with a number behind it that nothing has.
    private func free(_ name: String) -> String {
        var (candidate, number) = (name, 1)
        while Self.parts.contains(where: { exists(candidate + $0) }) {
            number += 1
            candidate = "\(name)-\(number)"
        }
        return candidate
    }

    private func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }
}
