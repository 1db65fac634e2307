import Sockets

/// Where a server is (RFC 9110 §4.3.1).
struct Origin: Hashable {
    let scheme: HTTPURL.Scheme
    let host: String
    let port: UInt16

    init(_ url: HTTPURL) {
        scheme = url.scheme
        host = url.host
        port = url.port
    }
}

/// The pools of one loop: one for each origin that is talked to.
///
/// - Invariant (`@unchecked Sendable`): touched only by tasks that prefer that loop.
final class ConnectionPools: @unchecked Sendable {
    private let configuration: HTTPClient.Configuration
    private let loop: EventLoop
    private var byOrigin: [Origin: ConnectionPool] = [:]
    /// How many there may be before those are dropped that nobody uses.
    private var limit = 64

    /// - Parameter share: Among how many loops the connections of an origin are divided.
    init(of configuration: HTTPClient.Configuration, on loop: EventLoop, share: Int) {
        var configuration = configuration
        configuration.maximumPerOrigin = max(1, configuration.maximumPerOrigin / share)
        self.configuration = configuration
        self.loop = loop
    }

    var count: Int { byOrigin.count }

    func pool(for origin: Origin) -> ConnectionPool {
        if let pool = byOrigin[origin] { return pool }
        if byOrigin.count >= limit {
            byOrigin = byOrigin.filter { !$0.value.isUnused }
            // So that each is looked at once for each that comes.
            limit = max(64, 2 * byOrigin.count)
        }
        let pool = ConnectionPool(configuration, on: loop)
        byOrigin[origin] = pool
        return pool
    }
}

/// The connections of one loop to one origin: a request has a place among them while it needs one, and waits for it in line.
///
/// Places in use and unused connections together are at most `maximumPerOrigin`. An unused connection serves the next
/// request of the same trust, whosever it is, and makes room for a new one of another: the one that was used longest ago
/// first. A request whose turn is over gives its place up and goes on beside the others, so that those who hang hold
/// nobody up.
///
/// - Invariant (`@unchecked Sendable`): touched only by tasks that prefer that loop.
final class ConnectionPool: @unchecked Sendable {
    /// A request that has, or had, a place: told from every other by its number.
    struct Place: Hashable {
        fileprivate let number: Int
    }

    /// A connection that nobody uses now.
    private struct Unused {
        let connection: ClientConnection
        let end: ContinuousClock.Instant
    }

    private let configuration: HTTPClient.Configuration
    private let loop: EventLoop
    private var places: Set<Place> = []
    private var lastPlace = 0
    private var line = WaitingLine<CheckedContinuation<Place?, Never>>()
    /// The one that was used longest ago first.
    private var unused: [Unused] = []
    private var isReaping = false

    init(_ configuration: HTTPClient.Configuration, on loop: EventLoop) {
        self.configuration = configuration
        self.loop = loop
    }

    /// Waits for a place, in the order in which requests came.
    ///
    /// - Throws: `.timedOut` when there was none by `deadline`.
    func enter(by deadline: ContinuousClock.Instant) async throws(HTTPClientError) -> Place {
        if places.count < configuration.maximumPerOrigin { return occupy() }
        let place = await withCheckedContinuation { continuation in
            let number = line.append(continuation)
            Task(executorPreference: loop) {
                await self.loop.sleep(until: deadline)
                self.line.remove(number)?.resume(returning: nil)
            }
        }
        guard let place else { throw .timedOut }
        return place
    }

    /// An unused connection of that trust that is fit for use, the latest first, so that those beyond need can age; nil when
    /// there is none, and room for a new one. Only for who has a place.
    func take(trusting trust: TLSContext) -> ClientConnection? {
        while let index = unused.lastIndex(where: { $0.connection.trust === trust }) {
            let connection = unused.remove(at: index).connection
            // What a server sends unasked could be taken for the answer to the next request.
            if !connection.isStale { return connection }
        }
        if places.count + unused.count > configuration.maximumPerOrigin { unused.removeFirst() }
        return nil
    }

    /// Gives a place up, and keeps a connection that could carry another request if there is room for it.
    func leave(_ place: Place, _ connection: ClientConnection?) {
        places.remove(place)
        if let connection { keep(connection) }
        admit()
    }

    /// Whether there is no connection, and nobody waits for one.
    var isUnused: Bool { places.isEmpty && unused.isEmpty && line.isEmpty }

    private func keep(_ connection: ClientConnection) {
        let now = ContinuousClock.now
        guard places.count + unused.count < configuration.maximumPerOrigin,
            now - connection.opened < configuration.lifetime
        else { return }
        unused.append(Unused(connection: connection, end: now.advanced(by: configuration.idleTimeout)))
        reap()
    }

    private func occupy() -> Place {
        lastPlace += 1
        let place = Place(number: lastPlace)
        places.insert(place)
        let end = ContinuousClock.now.advanced(by: configuration.turn)
        Task(executorPreference: loop) {
            await self.loop.sleep(until: end)
            if self.places.remove(place) != nil { self.admit() }
        }
        return place
    }

    /// Gives a free place to the first in line.
    private func admit() {
        guard places.count < configuration.maximumPerOrigin, let next = line.removeFirst() else { return }
        next.resume(returning: occupy())
    }

    /// Closes what was unused for too long, for as long as anything is.
    private func reap() {
        guard !isReaping else { return }
        isReaping = true
        Task(executorPreference: loop) {
            // Only the instant, as who holds the connection keeps it open.
            while let end = self.unused.first?.end {
                await self.loop.sleep(until: end)
                let now = ContinuousClock.now
                self.unused.removeAll { $0.end <= now }
            }
            self.isReaping = false
        }
    }
}

/// Those who wait, in the order in which they came; anybody can leave at any time.
struct WaitingLine<Waiter> {
    private var waiters: [Int: Waiter] = [:]
    private var first = 0
    private var end = 0

    var isEmpty: Bool { waiters.isEmpty }

    /// - Returns: A number to leave by.
    mutating func append(_ waiter: Waiter) -> Int {
        defer { end += 1 }
        waiters[end] = waiter
        return end
    }

    /// Takes that one out; nil when it is no longer in line.
    mutating func remove(_ number: Int) -> Waiter? { waiters.removeValue(forKey: number) }

    /// Takes the one out that has waited longest; nil when nobody waits.
    mutating func removeFirst() -> Waiter? {
        while first < end {
            defer { first += 1 }
            if let waiter = waiters.removeValue(forKey: first) { return waiter }
        }
        return nil
    }
}
