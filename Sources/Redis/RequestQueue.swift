import Synchronization

/// The commands that wait for their connection.
final class RequestQueue: Sendable {
    typealias Answer = Result<[RESPValue], RedisError>

    /// Commands that are sent together.
    struct Request: Sendable {
        let bytes: [UInt8]
        let replies: Int
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Answer, Never>
    }

    private struct State {
        var requests: [Request] = []
        var bytes = 0
        var consumer: CheckedContinuation<[Request]?, Never>?
        /// Why no connection is there, and until when none is tried.
        var refusal: (error: RedisError, end: ContinuousClock.Instant)?
        var isClosed = false

        mutating func take() -> [Request] {
            defer { (requests, bytes) = ([], 0) }
            return requests
        }
    }

    /// What it holds at most.
    static let maximumBytes = 64 << 20

    private let state = Mutex(State())

    /// Takes a request, or answers it at once with the reason why not.
    func add(_ request: Request) {
        let refusal: RedisError? = state.withLock { state in
            if state.isClosed { return .closed }
            if let refusal = state.refusal, refusal.end > .now { return refusal.error }
            guard state.bytes + request.bytes.count <= Self.maximumBytes else { return .overloaded }
            state.requests.append(request)
            state.bytes += request.bytes.count
            if let consumer = state.consumer {
                state.consumer = nil
                consumer.resume(returning: state.take())
            }
            return nil
        }
        if let refusal { request.continuation.resume(returning: .failure(refusal)) }
    }

    /// All that waits, once something does; nil when nothing will any more. One at a time may ask.
    func next() async -> [Request]? {
        await withCheckedContinuation { continuation in
            let requests: [Request]?? = state.withLock { state in
                if state.isClosed { return .some(nil) }
                guard state.requests.isEmpty else { return state.take() }
                state.consumer = continuation
                return nil
            }
            if let requests { continuation.resume(returning: requests) }
        }
    }

    /// Answers some that were taken, and all that waits, with an error, and until `end` all that comes too.
    func refuse(_ error: RedisError, _ taken: some Collection<Request>, until end: ContinuousClock.Instant) {
        let waiting = state.withLock { state -> [Request] in
            state.refusal = (error, end)
            return state.take()
        }
        // Only now: whoever asks again is not among those that were waiting.
        for request in taken + waiting { request.continuation.resume(returning: .failure(error)) }
    }

    func close() {
        let (requests, consumer) = state.withLock { state -> ([Request], CheckedContinuation<[Request]?, Never>?) in
            state.isClosed = true
            defer { state.consumer = nil }
            return (state.take(), state.consumer)
        }
        for request in requests { request.continuation.resume(returning: .failure(.closed)) }
        consumer?.resume(returning: nil)
    }
}
