import Dispatch
import Glibc
import Synchronization

/// Writes lines to a descriptor or a file from a thread of its own: whoever reads them slowly, or not at all, holds up nobody.
///
/// At most 4 MiB wait to be written; what comes beyond that is dropped and counted. Lines that come while others are being
/// written are then written together.
package final class LineWriter: Sendable {
    /// To standard error, the one place where the log goes.
    package static let standardError = LineWriter(to: STDERR_FILENO)

    /// To standard output.
    package static let standardOutput = LineWriter(to: STDOUT_FILENO)

    /// Why a file could not be opened: a fragment that follows its name.
    package struct Unwritable: Error, CustomStringConvertible {
        package let description: String
    }

    private static let maximumPendingBytes = 4 * 1024 * 1024

    private struct State {
        var pending: [UInt8] = []
        /// Of those that are being written.
        var leaving = 0
        var isWriting = false
        var dropped = 0
        /// What is written to from the next line on.
        var target: Target
    }

    /// Closes what it has opened.
    private final class Target: Sendable {
        let descriptor: Int32
        private let isOurs: Bool
        /// Whether the last line there was cut short. Touched on the writer's queue alone.
        let isTorn: Atomic<Bool>

        init(_ descriptor: Int32, isOurs: Bool, isTorn: Bool = false) {
            self.descriptor = descriptor
            self.isOurs = isOurs
            self.isTorn = Atomic(isTorn)
        }

        deinit { if isOurs { close(descriptor) } }
    }

    private let path: String?
    private let queue = DispatchQueue(label: "tokenwell.line-writer")
    private let state: Mutex<State>

    /// - Parameter descriptor: Stays open as long as the writer.
    package init(to descriptor: Int32) {
        path = nil
        state = Mutex(State(target: Target(descriptor, isOurs: false)))
    }

    /// Appends to the regular file at `path`, which is made for its owner alone if it is not there.
    package init(appendingTo path: String) throws(Unwritable) {
        self.path = path
        state = Mutex(State(target: try Self.open(path)))
    }

    /// How many lines were dropped so far.
    package var dropped: Int { state.withLock { $0.dropped } }

    /// Takes a line, its line feed included; returns at once.
    package func write(_ line: [UInt8]) {
        let isFirst = state.withLock { state in
            guard state.leaving + state.pending.count + line.count <= Self.maximumPendingBytes else {
                state.dropped += 1
                return false
            }
            state.pending.append(contentsOf: line)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { queue.async { self.writeAll() } }
    }

    /// Opens the file at the path again, since another may be there now: how log files are rotated.
    ///
    /// Lines go to one of the two, and none is lost. Without success the old file is written to as before.
    package func reopen() throws(Unwritable) {
        guard let path else { return }
        let target = try Self.open(path)
        state.withLock { $0.target = target }
    }

    /// Waits until what was taken is written, or a second has passed: for the end of the process.
    package func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .seconds(1))
    }

    private func writeAll() {
        while true {
            let (bytes, target) = state.withLock { state in
                let bytes = state.pending
                state.pending = []
                state.leaving = bytes.count
                state.isWriting = !bytes.isEmpty
                return (bytes, state.target)
            }
            if bytes.isEmpty { return }
            let lost = Self.write(bytes, to: target)
            if lost > 0 { state.withLock { $0.dropped += lost } }
        }
    }

    /// - Returns: How many lines the descriptor has refused.
    private static func write(_ lines: [UInt8], to target: Target) -> Int {
        // So that half a line spoils no other.
        let wasTorn = target.isTorn.load(ordering: .relaxed)
        let bytes = wasTorn ? [UInt8(ascii: "\n")] + lines : lines
        var written = 0
        while written < bytes.count {
            let count = bytes.span.extracting(written...).withUnsafeBytes {
                Glibc.write(target.descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if written > 0 { target.isTorn.store(bytes[written - 1] != UInt8(ascii: "\n"), ordering: .relaxed) }
                // The newline in front ends a line that was counted when it tore.
                return bytes[max(written, wasTorn ? 1 : 0)...].count { $0 == UInt8(ascii: "\n") }
            }
            written += count
        }
        target.isTorn.store(false, ordering: .relaxed)
        return 0
    }

    private static func open(_ path: String) throws(Unwritable) -> Target {
        // Non-blocking, so that a FIFO that nobody reads does not hang; and to be read, for its last byte.
        let descriptor = Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw Unwritable(description: String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Unwritable(description: "it is not a file")
        }
        var last = UInt8(ascii: "\n")
        if status.st_size > 0 { pread(descriptor, &last, 1, status.st_size - 1) }
        return Target(descriptor, isOurs: true, isTorn: last != UInt8(ascii: "\n"))
    }
}
