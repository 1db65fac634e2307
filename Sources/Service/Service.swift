import FoundationEssentials
import HTTP
package import Logging
package import Sockets
package import Stores
package import Telemetry
import TokenBroker

/// The broker as a running program: everything that can fail, but for the ports, is built before anything listens.
package struct Service: Sendable {
    /// Why the service did not start.
    package enum StartError: Error, CustomStringConvertible {
        case listen(SocketAddress, SocketError)
        case tls(TLSError)
        case store(String, StoreError)
        case noMasterKey
        case audit(String, LineWriter.Unwritable)

        package var description: String {
            switch self {
            case .listen(let address, let error): "can't listen at \(address): \(error)"
            case .tls(let error): error.description
            case .store(let path, let error): "can't open the store \(path): \(error)"
            case .audit(let path, let error): "can't write the audit to \(path): \(error)"
            case .noMasterKey: "the store needs a master key: set master_key, or store: memory"
            }
        }
    }

    /// Where it listens: with the port that the kernel chose, if the configuration says 0.
    package var address: SocketAddress { server.address }
    /// Where the metrics listener is; nil without one.
    package var metricsAddress: SocketAddress? { metricsServer?.address }

    private let server: HTTPServer
    private let metricsServer: HTTPServer?
    private let premises: Premises
    private let current: CurrentServing
    private let reloader: Reloader
    /// nil for one in memory.
    private let store: (any ClosableStore)?
    private let watching: [Task<Void, Never>]
    private let logger: Logger

    /// Builds and starts the service.
    ///
    /// - Parameters:
    ///   - logger: Its handler decides where the lines go.
    ///   - source: Where the configuration came from, and is read again; nil when it stays what it is.
    package init(
        _ configuration: Configuration, on group: EventLoopGroup, logger: Logger, source: ConfigurationSource? = nil
    ) throws(StartError) {
        self.logger = logger
        let metrics = MetricsRegistry()
        let opened = try OpenStore(configuration, on: group, metrics: metrics, logger: logger)
        store = opened.store
        let audit = try Self.openAudit(configuration)
        premises = Premises(configuration, metrics: metrics, audit: audit)
        let upstreamTLS: UpstreamTLS
        let listenerTLS: ReloadableTLSContext?
        var issuers: JWTIssuers
        do throws(TLSError) {
            upstreamTLS = try UpstreamTLS(for: configuration.tenants)
            listenerTLS = try Self.listenerTLS(configuration)
            issuers = try JWTIssuers(configuration.jwtIssuers, on: group, metrics: metrics, logger: logger)
        } catch { throw .tls(error) }
        let certificates = CertificateWatch(
            upstreamTLS.contexts(for: configuration.tenants) + issuers.contexts + [listenerTLS].compactMap(\.self),
            timekeeper: LoopTimekeeper(group), metrics: metrics, logger: logger)
        var http = HTTPServer.Configuration()
        http.tls = listenerTLS?.current
        http.handshakeEnded = CallerHandshakes(in: metrics, logger: logger).record
        // A token of the 16 KiB that are taken from an upstream, and the form around it.
        http.limits.bodyBytes = 24 * 1024
        http.take(configuration.timeouts)
        // Beside what the process itself has open, a quarter is left for the vendors and the metrics listener: a flood of
        // clients must stop neither mints nor health.
        let descriptors = max(16, DescriptorLimit.raise() - 32 - 6 * group.loops.count)
        http.limitConnections(
            to: min(configuration.connections.maximum, descriptors * 3 / 4),
            perAddress: configuration.connections.perAddress)
        let broker = Broker(
            tenants: configuration.tenants,
            endpoint: OAuthTokenEndpoint(client: HTTPClient(on: group), tls: upstreamTLS),
            timekeeper: LoopTimekeeper(group), executors: group.loops,
            settings: Broker.Settings(
                callerDeadline: configuration.deadline, render: { TokenRendering($0, scopes: $1) },
                observe: { audit?.record($0) }), metrics: metrics,
            logger: logger, persistence: opened.persistence, kept: opened.kept)

        let authentication = Authentication(
            configuration.callers, issuers: issuers.keys, failures: FailedAttempts(configuration.failedAttempts),
            metrics: metrics)
        let current = CurrentServing(Serving(configuration, broker, issuers, authentication, on: premises))
        self.current = current
        http.refusal = { current.value.routes.refuse($0, $1) }
        http.connectionRefused = ConnectionRefusals(in: metrics, logger: logger).record
        server = try Self.listen(at: configuration.listen, on: group, http) { current.value.routes.reply(to: $0) }
        premises.origin.settle(for: server.address, isTLS: configuration.listenTLS != nil)
        if let address = configuration.metricsListen {
            http.tls = nil
            http.limitConnections(to: min(1000, descriptors / 8))
            metricsServer = try Self.listen(at: address, on: group, http) { current.value.openRoutes.reply(to: $0) }
        } else {
            metricsServer = nil
        }
        // Only now, as nothing goes on of a service that did not start.
        issuers.start()
        current.replace(with: Serving(configuration, broker, issuers, authentication, on: premises))
        // Who calls before gets 503: what it put in force would not stay so.
        reloader = Reloader(
            current, on: premises, from: source, upstreamTLS: upstreamTLS, listenerTLS: listenerTLS,
            certificates: certificates, group: group, shared: opened.shared, logger: logger)
        let watch = ConfigurationWatch(reloader, timekeeper: LoopTimekeeper(group))
        watching =
            [Task { await certificates.run() }, Task { await watch.run() }]
            + EventLoopMetrics(group.loops, in: metrics).watch()
        observe(in: metrics)
        ProcessMetrics.observe(in: metrics)
        opened.shared?.follow { event in
            switch event {
            case .kept(let records): current.value.broker.takeUp(records)
            case .lost: current.value.broker.keepAgain()
            }
        }
        broker.start()
        announce(configuration)
    }

    /// Reads the certificates, keys and authorities that a configuration names, as a start would.
    ///
    /// - Returns: Our own certificates, the listener's first.
    package static func checkTLS(_ configuration: Configuration) throws(TLSError) -> [TLSCertificate] {
        let listener = try listenerTLS(configuration)
        let upstreams = try UpstreamTLS(for: configuration.tenants).contexts(for: configuration.tenants)
        for issuer in configuration.jwtIssuers { _ = try JWTIssuers.context(of: issuer) }
        if case .redis(let place) = configuration.effectiveStore { _ = try place.tlsContext() }
        return ([listener].compactMap(\.self) + upstreams).flatMap(\.current.value.certificates)
    }

    private static func listenerTLS(_ configuration: Configuration) throws(TLSError) -> ReloadableTLSContext? {
        guard let tls = configuration.listenTLS else { return nil }
        return try .listener(tls)
    }

    /// Reads the configuration, certificates, keys and authorities again, and begins a new audit file where the old one was;
    /// what is wrong with them is logged, and then changes nothing.
    package func reload() async {
        let reload = await reloader.reload()
        premises.audit?.record("reload", reload.members(.signal))
    }

    private static func openAudit(_ configuration: Configuration) throws(StartError) -> AuditLog? {
        switch configuration.audit {
        case .file(let path):
            do throws(LineWriter.Unwritable) { return AuditLog(to: try LineWriter(appendingTo: path)) } catch {
                throw .audit(path, error)
            }
        case .standardOutput: return AuditLog(to: .standardOutput)
        case nil: return nil
        }
    }

    /// Ends in order: not ready, no more connections, what has begun is answered, idle connections closed, mints have come
    /// to an end, and last the store.
    ///
    /// - Parameter limit: After that connections that are still open are given up; mints, the metrics listener and the store
    ///   may take a second each even then.
    package func stop(within limit: Duration) async {
        let end = ContinuousClock.now + limit
        let left = { max(.seconds(1), end - .now) }
        logger.notice("draining", metadata: ["connections": "\(server.connectionCount)"])
        premises.readiness.end()
        for task in watching { task.cancel() }
        current.value.issuers.stop()
        await server.drain(within: limit)
        await current.value.broker.end(within: left())
        await metricsServer?.drain(within: .seconds(1))
        await store?.close(within: left())
        premises.audit?.flush()
        logger.notice("stopped", metadata: ["connections": "\(server.connectionCount)"])
    }

    private static func listen(
        at address: SocketAddress, on group: EventLoopGroup, _ configuration: HTTPServer.Configuration,
        _ responder: @escaping Responder
    ) throws(StartError) -> HTTPServer {
        do throws(SocketError) {
            return try HTTPServer(at: address, on: group, configuration: configuration, responder: responder)
        } catch { throw .listen(address, error) }
    }

    /// Registers what is known of the process as a whole.
    private func observe(in metrics: MetricsRegistry) {
        metrics.collect(
            "tokenwell_log_lines_dropped_total", help: "Log lines that nobody read in time.", kind: .counter
        ) { [Sample(.count(LineWriter.standardError.dropped))] }
        metrics.collect(
            "tokenwell_audit_lines_dropped_total", help: "Audit lines that were not written.", kind: .counter
        ) { [audit = premises.audit] in [Sample(.count(audit?.dropped ?? 0))] }
        // Weakly, as the server's routes hold the registry too.
        metrics.collect("tokenwell_connections", help: "Open client connections.", kind: .gauge) { [weak server] in
            [Sample(.count(server?.connectionCount ?? 0))]
        }
        let start = Date().timeIntervalSince1970
        metrics.collect(
            "process_start_time_seconds", help: "Start time of the process since unix epoch in seconds.", kind: .gauge
        ) { [Sample(.time(.seconds(start)))] }
        metrics.collect(
            "tokenwell_caller_requests_total", help: "Requests that proved to be the caller's.", kind: .counter
        ) { [weak current] in
            guard let configuration = current?.value.configuration, configuration.metricsShowCallers else { return [] }
            return configuration.callers.map(\.identity).flatMap { caller in
                [("admitted", caller.requests.admitted), ("rate_limited", caller.requests.limited)].map {
                    Sample(.count($1.value), labels: Labels([("caller", caller.name), ("outcome", $0)]))
                }
            }
        }
    }

    private func announce(_ configuration: Configuration) {
        logger.notice(
            "listening",
            metadata: [
                "address": "\(address)", "tenants": "\(configuration.tenants.count)",
                "callers": "\(configuration.callers.count)",
            ])
        if let metricsAddress { logger.notice("metrics listening", metadata: ["address": "\(metricsAddress)"]) }
        for warning in configuration.warnings {
            logger.warning("the configuration is not as safe as it could be", metadata: ["warning": "\(warning)"])
        }
        if configuration.store == nil, store == nil {
            logger.warning(
                "tokens, budgets and revocations are in memory only and do not survive a restart: set master_key")
        }
        if configuration.listenTLS == nil, !address.isLoopback {
            logger.warning(
                "keys and tokens travel in clear text: a proxy or mesh in front has to terminate TLS",
                metadata: ["address": "\(address)"])
        }
    }
}

extension HTTPServer.Configuration {
    fileprivate mutating func take(_ timeouts: Configuration.Timeouts) {
        handshakeTimeout = timeouts.head
        headTimeout = timeouts.head
        bodyTimeout = timeouts.body
        idleTimeout = timeouts.idle
        writeTimeout = timeouts.write
    }

    /// - Parameter perAddress: By default half of `maximum`: one address must not have all.
    fileprivate mutating func limitConnections(to maximum: Int, perAddress: Int? = nil) {
        maximumConnections = maximum
        maximumPerAddress = min(perAddress ?? max(1, maximum / 2), maximum)
    }
}

/// Time by the event loops: sleepers are entries in a loop's deadlines, not threads or timers of their own.
struct LoopTimekeeper: Timekeeper {
    private let group: EventLoopGroup

    init(_ group: EventLoopGroup) { self.group = group }

    var now: ContinuousClock.Instant { .now }

    func sleep(until instant: ContinuousClock.Instant) async { await group.any.sleep(until: instant) }
}
