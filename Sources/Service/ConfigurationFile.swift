import FoundationEssentials
import Glibc
import Sockets

/// Reads the files that a configuration consists of and names.
enum ConfigurationFile {
    /// Why a file could not be read: a fragment that follows its name.
    struct Unreadable: Error, Equatable {
        let reason: String
    }

    /// The whole of a regular file, as long as it was when it was opened.
    ///
    /// - Parameter limit: A file of more bytes is refused without being read.
    static func read(_ path: String, limit: Int) throws(Unreadable) -> [UInt8] {
        try withFile(path) { (descriptor, size) throws(Unreadable) in
            guard size <= limit else { throw Unreadable(reason: "has more than \(limit) bytes") }
            return try read(descriptor, count: size)
        }
    }

    /// Throws unless the path is a regular file that can be opened for reading.
    static func check(_ path: String) throws(Unreadable) {
        try withFile(path) { _, _ in }
    }

    /// Whether users who are neither its owner nor in its group can read it.
    static func isReadableByAll(_ path: String) -> Bool {
        FileStatus(of: path)?.isReadableByAll ?? false
    }

    // MARK: - tenants.d

    /// The folder whose files name tenants.
    static func tenantFolder(beside path: String) -> String {
        (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + "tenants.d"
    }

    /// `tenants.d/*.yaml` in the order of their names. Hidden files are left alone: Kubernetes mounts have some.
    static func tenantFiles(beside path: String) throws(Unreadable) -> [String] {
        let folder = tenantFolder(beside: path)
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            return names.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted().map { "\(folder)/\($0)" }
        } catch {
            throw Unreadable(reason: "cannot be listed")
        }
    }

    // MARK: - Opening

    private static func withFile<Result>(
        _ path: String, _ body: (_ descriptor: Int32, _ size: Int) throws(Unreadable) -> Result
    ) throws(Unreadable) -> Result {
        // Non-blocking, so that opening a FIFO that nobody writes to does not hang.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Unreadable(systemError: errno) }
        defer { close(descriptor) }
        guard let status = FileStatus(of: descriptor) else { throw Unreadable(systemError: errno) }
        guard status.isRegular else { throw Unreadable(reason: "is not a file") }
        return try body(descriptor, status.size)
    }

    private static func read(_ descriptor: Int32, count size: Int) throws(Unreadable) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let received = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), size - count)
                if received < 0, errno == EINTR { continue }
                if received < 0 { failure = errno }
                if received <= 0 { return }
                count += received
            }
        }
        guard failure == 0 else { throw Unreadable(systemError: failure) }
        return bytes
    }
}

extension ConfigurationFile.Unreadable {
    fileprivate init(systemError code: Int32) {
        switch code {
        case ENOENT, ENOTDIR: reason = "does not exist"
        case EACCES, EPERM: reason = "may not be read by this user"
        case ENAMETOOLONG: reason = "is too long a path"
        default: reason = "cannot be read (errno \(code))"
        }
    }
}
