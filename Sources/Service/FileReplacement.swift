import CLinux
import Glibc
import Sockets

/// Puts a new file in the place of another: whoever opens the path, at any instant and after a crash, finds one of the two,
/// and whole.
enum FileReplacement {
    /// Why the file is what it was: a fragment that follows its name.
    struct Failure: Error, Equatable {
        let reason: String

        /// What the system call that has just returned -1 says.
        static var last: Failure { Failure(reason: "cannot be replaced: \(String(cString: strerror(errno)))") }
    }

    /// Replaces a file by one of the same owner, group and mode.
    ///
    /// Until then it is a hidden file in the same folder; one that an interrupted replacement has left is removed.
    ///
    /// - Parameters:
    ///   - path: Where it is a symbolic link, that stays, and the file that it leads to is replaced.
    ///   - identity: What the file was when it was read: if somebody has changed it since, it is left alone.
    static func replace(_ path: String, _ identity: FileIdentity?, with bytes: [UInt8]) throws(Failure) {
        let (folder, name) = try place(of: path)
        let target = "\(folder)/\(name)"
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        // Two at a time would write into each other's. Where folders cannot be locked, that is the user's to avoid.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            throw Failure(reason: "is being replaced by another process")
        }
        let temporary = "\(folder)/.\(name).new"
        do throws(Failure) {
            try write(bytes, to: temporary, like: target)
            guard FileIdentity(of: target) == identity else {
                throw Failure(reason: "was changed by somebody else meanwhile")
            }
            guard rename(temporary, target) == 0 else { throw .last }
        } catch {
            unlink(temporary)
            throw error
        }
        guard fsync(descriptor) == 0 else { throw .last }
    }

    /// Where the file is after all symbolic links.
    private static func place(of path: String) throws(Failure) -> (folder: String, name: String) {
        guard let resolved = realpath(path, nil) else { throw .last }
        defer { free(resolved) }
        let parts = String(cString: resolved).split(separator: "/")
        guard let name = parts.last else { throw Failure(reason: "is not a file") }
        return ("/" + parts.dropLast().joined(separator: "/"), String(name))
    }

    private static func write(_ bytes: [UInt8], to path: String, like model: String) throws(Failure) {
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        try take(ownershipOf: model, descriptor)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw .last }
            rest.removeFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw .last }
    }

    private static func take(ownershipOf model: String, _ descriptor: Int32) throws(Failure) {
        guard getxattr(model, "system.posix_acl_access", nil, 0) <= 0 else {
            throw Failure(reason: "cannot be replaced: it has an access control list")
        }
        guard let status = FileStatus(of: model), fchown(descriptor, status.owner, status.group) == 0,
            fchmod(descriptor, status.mode) == 0
        else { throw .last }
    }
}
