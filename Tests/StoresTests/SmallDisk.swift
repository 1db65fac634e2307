import Foundation
import Support

/// A file system of 1 MB in memory, which goes when this does.
final class SmallDisk {
    /// Whether this process may mount one.
    static let isPossible = (try? SmallDisk()) != nil

    struct Failure: Error { let output: String }

    let path = NSTemporaryDirectory() + "disk-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Self.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path)
    }

    deinit {
        try? Self.run("umount", path)
        try? FileManager.default.removeItem(atPath: path)
    }

    func grow() throws { try Self.run("mount", "-o", "remount,size=64m", path) }

    func makeReadOnly() throws { try Self.run("mount", "-o", "remount,ro", path) }

    func fill() throws {
        let file = open(path + "/filler", O_CREAT | O_WRONLY, 0o600)
        defer { close(file) }
        for size in [4096, 1] { while write(file, [UInt8](repeating: 1, count: size), size) > 0 {} }
    }

    private static func run(_ program: String, _ arguments: String...) throws {
        let (status, output) = try PeerProgram(arguments, program: program).finish()
        guard status == 0 else { throw Failure(output: output) }
    }
}
