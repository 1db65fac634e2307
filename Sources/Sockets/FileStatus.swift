import Glibc

/// What the kernel says of a file.
///
/// In this module because others see `stat` as a member of CoreFoundation, which their dependencies import.
package struct FileStatus: Sendable {
    package let isRegular: Bool
    package let size: Int
    /// Whether users who are neither its owner nor in its group may read it.
    package let isReadableByAll: Bool
    package let owner: UInt32
    package let group: UInt32
    /// Its permissions, setuid and the like included.
    package let mode: UInt32

    /// nil when there is none, which `errno` explains.
    package init?(of descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// nil when there is none, which `errno` explains.
    package init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        isRegular = status.st_mode & S_IFMT == S_IFREG
        size = Int(status.st_size)
        isReadableByAll = status.st_mode & S_IROTH != 0
        owner = status.st_uid
        group = status.st_gid
        mode = status.st_mode & 0o7777
    }
}
