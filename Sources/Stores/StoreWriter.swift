import Dispatch
import TokenBroker

/// Runs what touches the file on a thread of its own, so that no event loop ever waits for a disk.
actor StoreWriter: RecordWriter {
    private let executor = QueueExecutor()
    private(set) var file: StoreFile?

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ file: consuming StoreFile) { self.file = consume file }

    func commit(_ records: [Record], at now: Int64) throws(CommitFailure) {
        do throws(StoreError) {
            guard try file?.commit(records, at: now) != nil else { throw .closed }
        } catch {
            // What has ended would only be deleted, and is not there to be deleted as far as can be seen.
            let obsolete = records.filter { $0.end <= now && !holds($0.id, at: now) }
            throw CommitFailure(error: error, obsolete: Set(obsolete.map(\.id)))
        }
    }

    /// Moves the log into the file and lets go of it.
    func close() { file = nil }

    private func holds(_ id: Record.ID, at now: Int64) -> Bool {
        do throws(StoreError) { return try file?.holds(id, at: now) ?? false } catch { return false }
    }
}

/// A serial queue of Dispatch as an actor's executor.
private final class QueueExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "tokenwell.store")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
