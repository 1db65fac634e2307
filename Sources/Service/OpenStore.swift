import Dispatch
import Logging
import Redis
package import Sealing
import Sockets
import Stores
import Synchronization
import Telemetry
import TokenBroker

/// The store that a configuration names, open, with what was in it.
struct OpenStore {
    /// nil for one in memory.
    let store: (any ClosableStore)?
    let kept: KeptRecords

    /// The store, if other brokers may have it too.
    var shared: RedisStore? { store as? RedisStore }

    var persistence: Persistence? {
        guard let shared else { return store.map { Persistence(store: $0, clock: .system()) } }
        // Its server's clock is everybody's. What comes from it may have taken a moment.
        return Persistence(
            store: shared, clock: .system(tolerance: .seconds(2)) { shared.timeOfDay }, replicas: shared)
    }

    /// Waits for it.
    init(
        _ configuration: Configuration, on group: EventLoopGroup, metrics: MetricsRegistry, logger: Logger
    ) throws(Service.StartError) {
        switch (configuration.effectiveStore, configuration.masterKeys) {
        case (.memory, _):
            (store, kept) = (nil, KeptRecords())
        case (_, nil):
            throw .noMasterKey
        case (.sqlite(let path), let keys?):
            do throws(StoreError) {
                (store, kept) = try SQLiteStore.open(
                    path, keys: keys, timekeeper: LoopTimekeeper(group), metrics: metrics, logger: logger)
            } catch { throw .store(path, error) }
        case (.redis(let place), let keys?):
            (store, kept) = try Self.open(place, keys: keys, metrics: metrics, logger: logger)
        }
    }

    private static func open(
        _ place: Configuration.RedisPlace, keys: KeyRing, metrics: MetricsRegistry, logger: Logger
    ) throws(Service.StartError) -> (store: RedisStore, kept: KeptRecords) {
        try place.wait { client, reader, timekeeper async throws(StoreError) in
            try await RedisStore.open(
                client, reader: reader, prefix: place.prefix, keys: keys, timekeeper: timekeeper, metrics: metrics,
                logger: logger)
        }
    }
}

/// A store that ends with the service.
protocol ClosableStore: TokenStore {
    func close(within limit: Duration) async
}

extension SQLiteStore: ClosableStore {}
extension RedisStore: ClosableStore {}

extension Configuration.RedisPlace {
    /// Whom its server's certificate has to be vouched for by.
    func tlsContext() throws(TLSError) -> TLSContext { try .client(caFile: caFile) }

    /// Seals everything in it anew that the ring's previous key sealed.
    ///
    /// - Returns: How many records that were.
    package func reseal(with keys: KeyRing) throws(Service.StartError) -> Int {
        try wait { [prefix] client, _, _ async throws(StoreError) in
            try await RedisStore.reseal(client, prefix: prefix, keys: keys)
        }
    }

    /// Waits in this thread for what is done with the server.
    ///
    /// The clients have a loop of their own: a caller may be on any other. The second is for what waits at the server.
    fileprivate func wait<Value: Sendable>(
        _ body: @escaping @Sendable (RedisClient, RedisClient, LoopTimekeeper) async throws(StoreError) -> Value
    ) throws(Service.StartError) -> Value {
        let (group, client, reader): (EventLoopGroup, RedisClient, RedisClient)
        do throws(SocketError) { group = try EventLoopGroup(count: 1) } catch {
            throw .store("\(url)", .redis(.connect("\(error)")))
        }
        do throws(TLSError) {
            var server = RedisServer(url, tls: try tlsContext(), password: password?.reveal())
            client = RedisClient(server, on: group)
            server.timeout += .seconds(2)
            reader = RedisClient(server, on: group)
        } catch { throw .tls(error) }
        let (result, done) = (Outcome<Value>(), DispatchSemaphore(value: 0))
        Task(executorPreference: group.any) {
            do throws(StoreError) {
                result.put(.success(try await body(client, reader, LoopTimekeeper(group))))
            } catch { result.put(.failure(error)) }
            done.signal()
        }
        done.wait()
        do throws(StoreError) { return try result.get() } catch { throw .store("\(url)", error) }
    }
}

/// What a task has come to, for the thread that waits for it.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, StoreError>>(.failure(.closed))

    func put(_ result: Result<Value, StoreError>) { self.result.withLock { $0 = result } }

    func get() throws(StoreError) -> Value { try result.withLock { $0 }.get() }
}
