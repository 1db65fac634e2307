import Logging
import Support
import Synchronization
import Telemetry
import TokenBroker

/// A broker with a clock, an executor and an upstream that do only what the test says, so that a test never waits.
final class Rehearsal {
    let clock: ManualClock
    let executor = ManualExecutor()
    let upstream: ScriptedEndpoint
    let metrics = MetricsRegistry()
    let log = LogLines()
    let logger: Logger
    private(set) var broker: Broker
    /// Its part of what it shares with others; nil when it shares nothing.
    private let replica: SharedPlace.Replica?

    /// - Parameters:
    ///   - draw: What chance always comes up with.
    ///   - random: What it comes up with instead, each time anew.
    ///   - world: What was there before it and is there after it.
    init(
        _ tenants: [Tenant] = [.example()], draw: Double = 0, random: (@Sendable () -> Double)? = nil,
        maximumKeysPerTenant: Int = 64, in world: World = World()
    ) {
        clock = world.clock
        replica = world.replica
        upstream = world.upstream
        logger = Logger(label: "broker") { [log] in LineLogHandler(JSONLogFormat(label: $0), sink: { log.append($0) }) }
        broker = Broker(
            tenants: tenants, endpoint: upstream, timekeeper: clock, executors: [executor],
            settings: Broker.Settings(maximumKeysPerTenant: maximumKeysPerTenant, random: random ?? { draw }),
            metrics: metrics, logger: logger, persistence: world.persistence,
            kept: world.store?.kept ?? world.shared?.kept ?? KeptRecords())
    }

    /// Lets time pass, stopping wherever somebody sleeps until.
    func advance(by duration: Duration) {
        let end = clock.now + duration
        executor.drain()
        while let next = clock.nextDeadline, next <= end {
            clock.advance(by: next - clock.now)
            executor.drain()
        }
        clock.advance(by: end - clock.now)
        executor.drain()
    }

    /// Starts a request and goes on as far as that is possible without time passing.
    @discardableResult
    func ask(
        _ tenant: String = "acme", scopes: ScopeSet? = nil, minimum: Duration? = nil,
        by caller: CallerIdentity = CallerIdentity(name: "payroll"), grant: Grant = Grant(tenants: [.prefix("")])
    ) -> Call<HandOut> {
        let request = TokenRequest(
            tenant: tenant, scopes: scopes, minimumLifetime: minimum, caller: caller, grant: grant)
        return perform { [broker] () throws(BrokerError) in try await broker.token(request) }
    }

    /// A caller's way while nothing has to be waited for; nil when something has.
    func read(_ tenant: String = "acme") -> HandOut? {
        try? broker.freshToken(
            TokenRequest(tenant: tenant, caller: CallerIdentity(name: "payroll"), grant: Grant(tenants: [.prefix("")])))
    }

    @discardableResult
    func refresh(
        _ tenant: String = "acme", grant: Grant = Grant(tenants: [], isOperator: true)
    ) -> Call<HandOut> {
        perform { [broker] () throws(BrokerError) in try await broker.refresh(tenant: tenant, grant: grant) }
    }

    @discardableResult
    func revoke(
        _ token: String, grant: Grant = Grant(tenants: [.prefix("")], mayRevoke: true)
    ) -> Call<Revocation> {
        perform { [broker] () throws(BrokerError) in try await broker.revoke(Secret(token), grant: grant) }
    }

    /// Takes up what the others have kept, and goes on as far as that is possible without time passing.
    func hear() {
        if let replica { broker.takeUp(replica.news()) }
        executor.drain()
    }

    /// Starts the broker and goes on as far as that is possible without time passing.
    func start() {
        broker.start()
        executor.drain()
    }

    /// Ends the broker.
    @discardableResult
    func end(within limit: Duration = .seconds(5)) -> Call<Bool> {
        perform { [broker] () throws(BrokerError) in
            await broker.end(within: limit)
            return true
        }
    }

    /// Has the broker go on with other tenants, as far as that is possible without time passing.
    func reload(_ tenants: Tenant..., deadline: Duration = .seconds(5)) { reload(tenants, deadline: deadline) }

    func reload(_ tenants: [Tenant], deadline: Duration = .seconds(5)) {
        broker.handOver(to: tenants, callerDeadline: deadline) { broker = $0 }
        executor.drain()
    }

    func perform<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(BrokerError) -> Value
    ) -> Call<Value> {
        let call = Call<Value>()
        Task(executorPreference: executor) {
            do throws(BrokerError) { call.end(.success(try await work())) } catch { call.end(.failure(error)) }
        }
        executor.drain()
        return call
    }

    /// The lines of a metric, without HELP and TYPE.
    func exposed(_ name: String) -> [String] {
        String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix(name) }
    }
}

/// What outlives a broker: time, the upstream and, if there is one, the store.
struct World {
    let clock: ManualClock
    let upstream: ScriptedEndpoint
    let store: RememberingStore?
    /// What the broker shares with others; nil when it shares nothing.
    private(set) var shared: SharedPlace?
    private(set) var replica: SharedPlace.Replica?
    /// Another number is another boot of the machine.
    var boot: UInt64 = 1
    /// How far the time of day was moved.
    var step = Duration.zero
    private let start: ContinuousClock.Instant

    init(store: RememberingStore? = nil) {
        clock = ManualClock()
        upstream = ScriptedEndpoint()
        self.store = store
        start = clock.now
    }

    /// That of another broker that shares what this one has.
    ///
    /// - Parameter name: Of the broker.
    func sharing(_ place: SharedPlace, as name: String) -> World {
        var world = self
        world.shared = place
        world.replica = place.replica(name)
        return world
    }

    var persistence: Persistence? {
        (replica ?? store as (any TokenStore)?).map { store in
            let milliseconds = { @Sendable (instant: ContinuousClock.Instant) in
                Int64((instant - start) / .milliseconds(1))
            }
            return Persistence(
                store: store,
                clock: WallClock(
                    boot: boot,
                    timeOfDay: { [clock, step] in 1_800_000_000_000 + milliseconds(clock.now + step) },
                    uptime: { [boot] in Int64(boot) * 1_000_000_000 + milliseconds($0) }), replicas: replica)
        }
    }
}

/// A request under way, or what came of it.
final class Call<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, BrokerError>?>(nil)

    func end(_ result: Result<Value, BrokerError>) { outcome.withLock { $0 = result } }

    var isWaiting: Bool { outcome.withLock { $0 == nil } }
    var value: Value? { outcome.withLock { try? $0?.get() } }
    var error: BrokerError? {
        if case .failure(let error) = outcome.withLock({ $0 }) { error } else { nil }
    }
}

extension Call<HandOut> {
    var token: String? { value?.token.secret.reveal() }
}

/// Chance that a seed brings back, for several threads.
final class Draws: Sendable {
    private let state: Mutex<(numbers: RandomNumbers, count: Int)>

    init(seed: UInt64) { state = Mutex((RandomNumbers(seed: seed), 0)) }

    /// How often it was asked.
    var count: Int { state.withLock { $0.count } }

    @Sendable func next() -> Double {
        state.withLock { state in
            state.count += 1
            return Double.random(in: 0..<1, using: &state.numbers)
        }
    }
}

/// What was logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: [UInt8]) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    var all: [String] { lines.withLock { $0 } }
}

extension Tenant {
    /// A tenant like any other; the budget is ample, so that it matters only where a test says so.
    static func example(
        _ name: String = "acme", scopes: String = "read write", revocationURL: String? = nil,
        credential: Credential? = nil, defaultLifetime: Duration = .seconds(300), keepWarm: Bool = false,
        mintBudget: MintBudget.Limits = MintBudget.Limits(burst: 1000, perHour: 100_000)
    ) -> Tenant {
        Tenant(
            name: name,
            provider: Provider(
                name: "oauth2", tokenURL: "https://auth.example/token", revocationURL: revocationURL,
                clientAuthentication: .basic, defaultLifetime: defaultLifetime),
            credential: credential ?? Credential(id: "client", secret: Secret("s3cret-of-\(name)")),
            scopes: .of(scopes),
            keepWarm: keepWarm, mintBudget: mintBudget)
    }
}

extension ScopeSet {
    static func of(_ text: String) -> ScopeSet { ScopeSet(parsing: text) ?? .empty }
}
