import Dispatch
import Synchronization

/// Runs what is enqueued only while a test waits for it: what has happened is then never a matter of luck.
final class ManualExecutor: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    // Not the test's own thread: a job run inside a task would leave that task without its allocator.
    private let queue = DispatchQueue(label: "manual-executor")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// Runs until nobody has anything left to do but wait.
    func drain() {
        if jobs.withLock({ $0.isEmpty }) { return }
        let done = DispatchSemaphore(value: 0)
        queue.async {
            self.runAll()
            done.signal()
        }
        done.wait()
    }

    private func runAll() {
        while true {
            let batch = jobs.withLock { jobs in
                defer { jobs.removeAll() }
                return jobs
            }
            if batch.isEmpty { return }
            for job in batch { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }
}
