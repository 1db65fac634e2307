import Glibc

/// Which file a path leads to now, and in which state: it differs after every write, and every swap of a file or of a
/// symbolic link to one.
package struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    /// The times of the last change to the content, and to the inode.
    private let changed: [[UInt8]]

    /// - Returns: nil when there is nothing.
    package init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        changed = [status.st_mtim, status.st_ctim].map { withUnsafeBytes(of: $0) { Array($0) } }
    }
}
