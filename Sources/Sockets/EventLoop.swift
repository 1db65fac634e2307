import CLinux
import Glibc
import Synchronization

/// One thread, one epoll set, and the tasks that live on it.
///
/// The threading contract: a task that prefers this loop runs on its thread alone, and so does everything marked *loop
/// only*. Such a task tries a system call, and waits only when there is nothing to be had; descriptors are registered
/// once, edge-triggered, and what the kernel reported stays noted in the registration. So no wake-up can be lost: nothing
/// polls between the refusal and the wait.
///
/// A wait's deadline is not a mechanism of its own: the nearest one bounds `epoll_wait`.
///
/// - Invariant (`@unchecked Sendable`): other threads reach only `incoming`, `thread` and `wakeUp`; the rest is loop only.
package final class EventLoop: TaskExecutor, @unchecked Sendable {
    /// What ended a wait.
    enum Wake { case ready, timedOut, interrupted }

    /// What a wait is for.
    enum Readiness {
        case read, write

        /// An error or a hang-up ends every wait: the next call tells what it is.
        var events: UInt32 {
            let closing = EPOLLHUP.rawValue | EPOLLERR.rawValue
            return switch self {
            case .read: EPOLLIN.rawValue | EPOLLPRI.rawValue | EPOLLRDHUP.rawValue | closing
            case .write: EPOLLOUT.rawValue | closing
            }
        }
    }

    /// What the loop knows of one descriptor. Loop only.
    final class Registration {
        fileprivate let descriptor: Int32
        fileprivate let generation: UInt32
        /// Whether a read may find something: the kernel said so, and no read has come up short since.
        var mayRead = true
        /// Whether the peer has finished or the socket failed, which no further edge will say again; or it has sent urgent
        /// data, at which a read comes up short though there is more.
        fileprivate(set) var isClosing = false
        fileprivate var waiter: Waiter?
        /// The entry in `deadlines` that speaks for this descriptor; others that still lie there are out of date.
        fileprivate var scheduled: ContinuousClock.Instant?
        fileprivate var isForgotten = false

        fileprivate init(descriptor: Int32, generation: UInt32) {
            self.descriptor = descriptor
            self.generation = generation
        }

        /// Notes that a read took all there was.
        func drained() { mayRead = isClosing }
    }

    /// The task that waits for a descriptor, and for what.
    fileprivate struct Waiter {
        let continuation: UnsafeContinuation<Wake, Never>
        let events: UInt32
        let deadline: ContinuousClock.Instant
        let isInterruptible: Bool
    }

    /// Whose time comes at a deadline.
    private enum Sleeper {
        case registration(Registration)
        case task(UnsafeContinuation<Void, Never>)
    }

    /// What other threads have left for the loop. Guarded by a lock.
    private struct Incoming {
        var jobs: [UnownedJob] = []
        /// Whether the loop is polling, or about to, without having seen `jobs`.
        var isAsleep = false
    }

    private let incoming = Mutex(Incoming())
    private let thread = Atomic<UInt>(0)
    private let wakeUp: Int32
    private let epoll: Int32

    // Loop only.
    private var pollTime = ContinuousClock.now
    private var jobs: [UnownedJob] = []
    private var registrations: [Registration?] = []
    private var generation: UInt32 = 0
    private var deadlines = Deadlines<Sleeper>()
    /// Entries in `deadlines` of descriptors that are closed.
    private var abandoned = 0
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)
    /// Where reads land before the connection takes what it needs: an idle connection holds no buffer.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)

    /// Starts the thread. It lives as long as the process.
    package init() throws(SocketError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .last("epoll_create1") }
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wakeUp >= 0 else { throw .last("eventfd") }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: UInt64.max))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, wakeUp, &event) == 0 else { throw .last("epoll_ctl") }

        var handle = pthread_t()
        let context = Unmanaged.passRetained(self)
        let result = pthread_create(
            &handle, nil,
            { context in
                // Takes over the retain above: the thread keeps its loop alive.
                if let context { Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            context.release()
            throw .system(call: "pthread_create", errno: result)
        }
        pthread_detach(handle)
    }

    /// Whether the caller is on this loop's thread.
    package var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// The processor time that its thread has used; from any thread.
    package var processorTime: Duration {
        var (clock, time) = (clockid_t(), timespec())
        let thread = thread.load(ordering: .relaxed)
        guard thread != 0, pthread_getcpuclockid(thread, &clock) == 0, clock_gettime(clock, &time) == 0 else {
            return .zero
        }
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    // MARK: Running

    /// Has the job run on the loop's thread; from any thread.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            jobs.append(job)
            return
        }
        let mustWake = incoming.withLock { incoming in
            incoming.jobs.append(job)
            defer { incoming.isAsleep = false }
            return incoming.isAsleep
        }
        if mustWake { eventfd_write(wakeUp, 1) }
    }

    private func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        let executor = asUnownedTaskExecutor()
        var batch: [UnownedJob] = []
        while true {
            takeIncoming()
            swap(&batch, &jobs)
            for job in batch { job.runSynchronously(on: executor) }
            batch.removeAll(keepingCapacity: true)
            poll(waiting: mayWait())
        }
    }

    private func takeIncoming() {
        incoming.withLock { incoming in
            guard !incoming.jobs.isEmpty else { return }
            jobs += incoming.jobs
            incoming.jobs.removeAll(keepingCapacity: true)
        }
    }

    /// Whether there is nothing to run; then whoever enqueues next knows that it has to wake the loop.
    private func mayWait() -> Bool {
        guard jobs.isEmpty else { return false }
        return incoming.withLock { incoming in
            incoming.isAsleep = incoming.jobs.isEmpty
            return incoming.isAsleep
        }
    }

    private func poll(waiting: Bool) {
        let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), waiting ? timeout() : 0)
        // A loop that cannot wait has no honest way to go on.
        precondition(count >= 0 || errno == EINTR, "epoll_wait failed")
        if waiting { incoming.withLock { $0.isAsleep = false } }
        pollTime = .now
        for event in events.prefix(max(0, Int(count))) { deliver(event) }
        expire()
    }

    /// Milliseconds to the nearest deadline, rounded up so that it is past when the wait ends; -1 without one.
    private func timeout() -> Int32 {
        guard let next = deadlines.next else { return -1 }
        let left = next - .now
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        guard seconds < 3600 else { return 3_600_000 }
        return Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    private func deliver(_ event: epoll_event) {
        guard event.data.u64 != UInt64.max else {
            var count: eventfd_t = 0
            eventfd_read(wakeUp, &count)
            return
        }
        let descriptor = Int(event.data.u64 & 0xFFFF_FFFF)
        // An event of this batch may belong to a descriptor that was closed, and even reused, meanwhile.
        guard descriptor < registrations.count, let registration = registrations[descriptor],
            registration.generation == UInt32(event.data.u64 >> 32)
        else { return }
        if event.events & Readiness.read.events != 0 { registration.mayRead = true }
        if event.events & (EPOLLPRI.rawValue | EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
            registration.isClosing = true
        }
        if let waiter = registration.waiter, event.events & waiter.events != 0 {
            registration.waiter = nil
            waiter.continuation.resume(returning: .ready)
        }
    }

    private func expire() {
        while let (due, sleeper) = deadlines.popDue(by: pollTime) {
            switch sleeper {
            case .task(let continuation): continuation.resume()
            case .registration(let registration): expire(registration, due: due, now: pollTime)
            }
        }
    }

    /// A registration has one entry that speaks for it, however often its deadline moves: when that comes up early, it
    /// goes back for what is left.
    private func expire(_ registration: Registration, due: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        guard registration.scheduled == due else { return }
        registration.scheduled = nil
        if registration.isForgotten { abandoned -= 1 }
        guard let waiter = registration.waiter else { return }
        if waiter.deadline <= now {
            registration.waiter = nil
            waiter.continuation.resume(returning: .timedOut)
        } else {
            schedule(registration, by: waiter.deadline)
        }
    }

    private func schedule(_ registration: Registration, by deadline: ContinuousClock.Instant) {
        if let scheduled = registration.scheduled, scheduled <= deadline { return }
        registration.scheduled = deadline
        deadlines.insert(deadline, for: .registration(registration))
    }

    // MARK: Waiting (loop only)

    /// The time when the loop last looked for events, which is near enough for a deadline of seconds. Loop only.
    package var now: ContinuousClock.Instant {
        assert(isCurrent, "the time of a loop is read on it")
        return pollTime
    }

    /// Makes the loop know a non-blocking descriptor. Loop only.
    func register(_ descriptor: Int32) throws(SocketError) -> Registration {
        precondition(isCurrent, "descriptors are registered on their loop")
        generation &+= 1
        let registration = Registration(descriptor: descriptor, generation: generation)
        var event = epoll_event(
            events: (EPOLLIN.rawValue | EPOLLPRI.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue)
                | EPOLLET.rawValue,
            data: epoll_data_t(u64: UInt64(generation) << 32 | UInt64(descriptor)))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else { throw .last("epoll_ctl") }
        while registrations.count <= Int(descriptor) { registrations.append(nil) }
        registrations[Int(descriptor)] = registration
        return registration
    }

    /// Forgets a descriptor that is about to be closed, which takes it out of the epoll set. Loop only.
    func forget(_ registration: Registration) {
        precondition(isCurrent && registration.waiter == nil, "descriptors are closed on their loop, by their one user")
        registrations[Int(registration.descriptor)] = nil
        registration.isForgotten = true
        if registration.scheduled != nil { abandoned += 1 }
        // Else every connection of the last minute would still be here, waiting for its idle timeout.
        if abandoned > 64, abandoned > deadlines.count / 2 {
            deadlines.removeAll {
                if case .registration(let registration) = $0 { registration.isForgotten } else { false }
            }
            abandoned = 0
        }
    }

    /// How many deadlines are remembered.
    var deadlineCount: Int { deadlines.count }

    /// Waits until the descriptor is ready. Loop only; one waiter at a time.
    ///
    /// - Parameter isInterruptible: Whether ``interrupt()`` ends the wait.
    func wait(
        _ registration: Registration, for readiness: Readiness, by deadline: ContinuousClock.Instant,
        isInterruptible: Bool = false
    ) async -> Wake {
        precondition(isCurrent && registration.waiter == nil, "a descriptor has one waiter, on its loop")
        return await withUnsafeContinuation { continuation in
            registration.waiter = Waiter(
                continuation: continuation, events: readiness.events, deadline: deadline,
                isInterruptible: isInterruptible)
            schedule(registration, by: deadline)
        }
    }

    /// Suspends the task until `instant`; from any thread. Does not end early when the task is cancelled.
    package func sleep(until instant: ContinuousClock.Instant) async {
        await withUnsafeContinuation { continuation in
            if isCurrent {
                deadlines.insert(instant, for: .task(continuation))
            } else {
                Task(executorPreference: self) { self.deadlines.insert(instant, for: .task(continuation)) }
            }
        }
    }

    /// Ends every interruptible wait, so that its task looks again at what it is to do; from any thread.
    package func interrupt() {
        Task(executorPreference: self) {
            for registration in self.registrations {
                guard let registration, let waiter = registration.waiter, waiter.isInterruptible else { continue }
                registration.waiter = nil
                waiter.continuation.resume(returning: .interrupted)
            }
        }
    }
}
