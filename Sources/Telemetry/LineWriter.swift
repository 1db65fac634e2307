import Dispatch
import Glibc
import Synchronization

/// Writes lines to a descriptor from a thread of its own: whoever reads them slowly, or not at all, holds up nobody.
///
/// At most 4 MiB wait to be written; what comes beyond that is dropped and counted.
package final class LineWriter: Sendable {
    /// To standard error, the one place where the log goes.
    package static let standardError = LineWriter(to: STDERR_FILENO)

    private static let maximumPendingBytes = 4 * 1024 * 1024

    private struct State {
        var pendingBytes = 0
        var dropped = 0
    }

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "tokenwell.line-writer")
    private let state = Mutex(State())

    /// - Parameter descriptor: Stays open as long as the writer.
    package init(to descriptor: Int32) { self.descriptor = descriptor }

    /// How many lines were dropped so far.
    package var dropped: Int { state.withLock { $0.dropped } }

    /// Takes a line, its line feed included; returns at once.
    package func write(_ line: [UInt8]) {
        let isTaken = state.withLock { state in
            guard state.pendingBytes + line.count <= Self.maximumPendingBytes else {
                state.dropped += 1
                return false
            }
            state.pendingBytes += line.count
            return true
        }
        guard isTaken else { return }
        queue.async {
            self.writeNow(line)
            self.state.withLock { $0.pendingBytes -= line.count }
        }
    }

    /// Waits until what was taken is written, or a second has passed: for the end of the process.
    package func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .seconds(1))
    }

    private func writeNow(_ line: [UInt8]) {
        var written = 0
        while written < line.count {
            let count = line.span.extracting(written...).withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            // Interrupted calls are made again; what the descriptor refuses is lost.
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}
