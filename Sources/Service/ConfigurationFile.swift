import Glibc

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

    private static func withFile<Result>(
        _ path: String, _ body: (_ descriptor: Int32, _ size: Int) throws(Unreadable) -> Result
    ) throws(Unreadable) -> Result {
        // Non-blocking, so that opening a FIFO that nobody writes to does not hang.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Unreadable(systemError: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Unreadable(systemError: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Unreadable(reason: "is not a file") }
        return try body(descriptor, Int(status.st_size))
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
