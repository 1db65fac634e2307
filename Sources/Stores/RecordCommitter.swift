import Logging
import Synchronization
import Telemetry
import TokenBroker

/// What puts records where a store keeps them.
protocol RecordWriter: Sendable {
    /// Makes all of `records` durable or none.
    ///
    /// - Parameter now: Seconds since 1970.
    func commit(_ records: [Record], at now: Int64) async throws(CommitFailure)

    /// Lets go of where they are.
    func close() async
}

/// Why a commit failed, and which of its records need not be tried again.
struct CommitFailure: Error {
    var error: StoreError
    var obsolete: Set<Record.ID> = []
}

/// Gathers what a store is given, and commits it through a writer: what a store does, wherever it keeps.
///
/// Records are gathered for 20 ms, and all that have come go into one commit. While the writer takes nothing they stay in
/// memory, each in its last version, and are tried again after 1 s, 2 s and so on up to a limit. Once they are damaged for good
/// nothing more is tried.
final class RecordCommitter: Sendable {
    /// How long records are gathered.
    static let gathering = Duration.milliseconds(20)

    fileprivate struct State {
        var pending = PendingRecords()
        /// Whether a task is there that commits what is pending.
        var isCommitting = false
        var retries: RetryDelay
        var trouble: StoreCondition.Trouble?
        /// Whether nothing will ever be committed again: the store is closed, or lost for good.
        var hasEnded = false
        /// Those who wait for the commit that is to begin, and for the one that is under way.
        var waiting: [CheckedContinuation<Bool, Never>] = []
        var leaving: [CheckedContinuation<Bool, Never>] = []
    }

    private let writer: any RecordWriter
    private let state: Mutex<State>
    private let retries: RetryDelay
    private let timekeeper: any Timekeeper
    private let seconds: @Sendable () -> Int64
    private let metrics: StoreMetrics
    private let logger: Logger

    /// - Parameters:
    ///   - longestPause: After a failure.
    ///   - seconds: The wall clock, in seconds since 1970.
    init(
        _ writer: any RecordWriter, timekeeper: any Timekeeper, longestPause: Duration = .seconds(30),
        seconds: @escaping @Sendable () -> Int64, metrics: StoreMetrics, logger: Logger
    ) {
        retries = RetryDelay(longest: longestPause)
        state = Mutex(State(retries: retries))
        self.writer = writer
        self.timekeeper = timekeeper
        self.seconds = seconds
        self.metrics = metrics
        self.logger = logger
    }

    // MARK: - As a store does

    func keep(_ records: [Record]) {
        let isFirst = state.withLock { state in
            guard !state.hasEnded else { return false }
            state.pending.take(records, at: timekeeper.now)
            defer { state.isCommitting = true }
            return !state.isCommitting
        }
        // Of no request, though one may have set it off: what is logged there concerns all of them.
        if isFirst { Task.detached { await self.commitAll() } }
    }

    func settle() async -> Bool {
        await withCheckedContinuation { continuation in
            let answer: Bool? = state.withLock { state in
                if state.hasEnded { return false }
                if state.pending.isEmpty { return true }
                if state.trouble != nil { return false }
                if state.pending.isWaiting {
                    state.waiting.append(continuation)
                } else {
                    state.leaving.append(continuation)
                }
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    var condition: StoreCondition {
        state.withLock { StoreCondition(trouble: $0.trouble, pending: $0.pending.count) }
    }

    /// Since when there has been something that is not durable; nil when everything is.
    var oldest: ContinuousClock.Instant? { state.withLock { $0.pending.oldest } }

    // MARK: - Committing

    /// Commits until nothing is pending, or nothing may be committed any more; one task at a time does.
    private func commitAll() async {
        var pause = Self.gathering
        var begin = timekeeper.now
        while true {
            await timekeeper.sleep(until: begin.advanced(by: pause))
            begin = timekeeper.now
            guard let records = state.withLock({ $0.begin() }) else { return }
            if await commit(records) {
                pause = Self.gathering
            } else {
                (begin, pause) = (timekeeper.now, state.withLock { $0.retries.next() })
            }
        }
    }

    /// Commits nothing, to learn whether something would be taken; not while there is something to commit.
    func probe() async {
        let isIdle = state.withLock { state in
            guard !state.hasEnded, !state.isCommitting else { return false }
            state.isCommitting = true
            return true
        }
        guard isIdle else { return }
        _ = await commit([])
        // Something may have come meanwhile.
        await commitAll()
    }

    /// - Returns: Whether it succeeded.
    private func commit(_ records: [Record]) async -> Bool {
        let start = timekeeper.now
        do throws(CommitFailure) {
            try await writer.commit(records, at: seconds())
        } catch {
            metrics.failed.increment()
            failed(error)
            return false
        }
        metrics.committed.increment()
        metrics.commitTime.record(start.duration(to: timekeeper.now))
        succeeded()
        return true
    }

    private func succeeded() {
        let (waiters, trouble) = state.withLock { state in
            state.pending.committed()
            state.retries = retries
            defer { (state.leaving, state.trouble) = ([], nil) }
            return (state.leaving, state.trouble)
        }
        for waiter in waiters { waiter.resume(returning: true) }
        guard let trouble else { return }
        logger.notice(
            "the store keeps what it is given again", metadata: ["after_seconds": "\(seconds() - trouble.since)"])
    }

    private func failed(_ failure: CommitFailure) {
        let isFinal = failure.error.isDamage
        let (waiters, isNew) = state.withLock { state in
            let isNew = state.trouble == nil
            state.trouble = .init(reason: "\(failure.error)", since: state.trouble?.since ?? seconds())
            state.pending.failed(obsolete: failure.obsolete)
            if isFinal { state.end() }
            defer { (state.leaving, state.waiting) = ([], []) }
            return (state.leaving + state.waiting, isNew)
        }
        defer { for waiter in waiters { waiter.resume(returning: false) } }
        guard isNew || isFinal else { return }
        logger.error(
            isFinal
                ? "the store is corrupt: nothing more is kept until the next start sets it aside"
                : "the store takes nothing: what is new is in memory only, and tried again",
            metadata: ["reason": "\(failure.error)"])
    }

    // MARK: - The end

    /// Makes durable what was kept, moves the log into the file and lets go of it; what comes later is not kept.
    ///
    /// - Parameter limit: After that what has not happened is left to itself; it is no less safe than after a crash.
    func close(within limit: Duration) async {
        let end = timekeeper.now.advanced(by: limit)
        await withCheckedContinuation { continuation in
            let once = Once(continuation)
            Task {
                await closeNow()
                once.resume()
            }
            Task {
                await timekeeper.sleep(until: end)
                once.resume()
            }
        }
    }

    private func closeNow() async {
        _ = await settle()
        let (rest, waiters) = state.withLock { state in
            defer {
                state.end()
                (state.waiting, state.leaving) = ([], [])
            }
            return (state.pending.all, state.waiting + state.leaving)
        }
        for waiter in waiters { waiter.resume(returning: false) }
        if !rest.isEmpty { await commitLast(rest) }
        await writer.close()
    }

    /// Tries once more what the file did not take, whenever that would be due.
    private func commitLast(_ records: [Record]) async {
        do throws(CommitFailure) {
            try await writer.commit(records, at: seconds())
        } catch {
            logger.error(
                "the store was closed without what it did not take",
                metadata: ["records": "\(records.count)", "reason": "\(error.error)"])
        }
    }
}

extension RecordCommitter.State {
    /// What the next commit takes; nil when there is nothing, so that no more is to follow.
    fileprivate mutating func begin() -> [Record]? {
        isCommitting = !hasEnded && !pending.isEmpty
        guard isCommitting else { return nil }
        swap(&waiting, &leaving)
        return pending.commit()
    }

    fileprivate mutating func end() {
        hasEnded = true
        pending.drop()
    }
}

/// How long a store is left alone that takes nothing: 1 s, twice that after each further failure, at most `longest`.
struct RetryDelay {
    let longest: Duration
    private var delay: Duration

    init(longest: Duration) {
        self.longest = longest
        delay = min(.seconds(1), longest)
    }

    mutating func next() -> Duration {
        defer { delay = min(delay * 2, longest) }
        return delay
    }
}

/// Resumes a task once, whoever comes first.
private final class Once: Sendable {
    private let continuation: Mutex<CheckedContinuation<Void, Never>?>

    init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = Mutex(continuation) }

    func resume() {
        let continuation = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        continuation?.resume()
    }
}
