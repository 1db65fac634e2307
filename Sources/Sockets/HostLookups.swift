import Dispatch
import Synchronization

/// The lookups of host names that are going on: one of each name at a time, whose outcome all share who ask for that name
/// meanwhile.
///
/// A lookup blocks a thread for as long as it likes. When as many hang as there may be, further names fail at once
/// instead of piling up.
final class HostLookups: Sendable {
    typealias Outcome = Result<[SocketAddress], SocketError>
    private typealias Waiter = CheckedContinuation<Outcome, Never>

    private struct State {
        /// Those who wait for each name that is being looked up, by their numbers.
        var waiters: [String: [Int: Waiter]] = [:]
        var lastNumber = 0
    }

    private let maximum: Int
    private let lookUp: @Sendable (String) -> Outcome
    private let threads = DispatchQueue(label: "tokenwell.host-lookups", attributes: .concurrent)
    private let state = Mutex(State())

    /// - Parameters:
    ///   - maximum: How many names are looked up at once.
    ///   - lookUp: Finds the addresses of a name; it may block.
    init(maximum: Int, lookUp: @escaping @Sendable (String) -> Outcome) {
        self.maximum = maximum
        self.lookUp = lookUp
    }

    /// The addresses of `host`, or why there are none; ``SocketError/timedOut`` when that was not known by `deadline`.
    ///
    /// A lookup that nobody waits for any more goes on, for whoever asks next.
    func addresses(of host: String, on loop: EventLoop, by deadline: ContinuousClock.Instant) async -> Outcome {
        await withCheckedContinuation { continuation in
            guard let number = join(host, continuation) else {
                continuation.resume(returning: .failure(.unknownHost("the resolver is busy")))
                return
            }
            Task(executorPreference: loop) {
                await loop.sleep(until: deadline)
                self.leave(host, number)?.resume(returning: .failure(.timedOut))
            }
        }
    }

    /// How many wait for `host`.
    func waiterCount(for host: String) -> Int { state.withLock { $0.waiters[host]?.count ?? 0 } }

    /// - Returns: A number to leave by; nil when there are too many names.
    private func join(_ host: String, _ waiter: Waiter) -> Int? {
        let (number, isFirst) = state.withLock { state -> (Int?, Bool) in
            let isFirst = state.waiters[host] == nil
            guard !isFirst || state.waiters.count < maximum else { return (nil, false) }
            state.lastNumber += 1
            state.waiters[host, default: [:]][state.lastNumber] = waiter
            return (state.lastNumber, isFirst)
        }
        if isFirst { threads.async { self.finish(host, self.lookUp(host)) } }
        return number
    }

    private func leave(_ host: String, _ number: Int) -> Waiter? {
        state.withLock { $0.waiters[host]?.removeValue(forKey: number) }
    }

    private func finish(_ host: String, _ outcome: Outcome) {
        let waiters = state.withLock { $0.waiters.removeValue(forKey: host) ?? [:] }
        for waiter in waiters.values { waiter.resume(returning: outcome) }
    }
}
