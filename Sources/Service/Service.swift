import FoundationEssentials
import HTTP
package import Logging
package import Sockets
import Telemetry
import TokenBroker

/// The broker as a running program: everything that can fail, but for the ports, is built before anything listens.
package struct Service: Sendable {
    /// Why the service did not start.
    package enum StartError: Error, CustomStringConvertible {
        case listen(SocketAddress, SocketError)
        case tls(TLSError)

        package var description: String {
            switch self {
            case .listen(let address, let error): "can't listen at \(address): \(error)"
            case .tls(let error): error.description
            }
        }
    }

    /// Where it listens: with the port that the kernel chose, if the configuration says 0.
    package var address: SocketAddress { server.address }
    /// Where the metrics listener is; nil without one.
    package var metricsAddress: SocketAddress? { metricsServer?.address }

    private let server: HTTPServer
    private let metricsServer: HTTPServer?
    private let readiness = Readiness()
    private let logger: Logger

    /// Builds and starts the service.
    ///
    /// - Parameter logger: Its handler decides where the lines go.
    package init(_ configuration: Configuration, on group: EventLoopGroup, logger: Logger) throws(StartError) {
        self.logger = logger
        let metrics = MetricsRegistry()
        let endpoint: OAuthTokenEndpoint
        var http = HTTPServer.Configuration()
        do throws(TLSError) {
            endpoint = try OAuthTokenEndpoint(for: configuration.tenants, client: HTTPClient(on: group))
            http.tls = try Self.listenerTLS(configuration)
        } catch { throw .tls(error) }
        // A token of the 16 KiB that are taken from an upstream, and the form around it.
        http.limits.bodyBytes = 24 * 1024
        // Beside what the process itself has open, a quarter is left for the vendors and the metrics listener: a flood of
        // clients must stop neither mints nor health.
        let descriptors = max(16, DescriptorLimit.raise() - 32)
        http.maximumConnections = min(http.maximumConnections, descriptors * 3 / 4)
        let broker = Broker(
            tenants: configuration.tenants, endpoint: endpoint, timekeeper: LoopTimekeeper(group),
            executors: group.loops, settings: Broker.Settings(callerDeadline: configuration.deadline), metrics: metrics,
            logger: logger)

        let authentication = Authentication(configuration.callers)
        let operations = OperationsRoutes(
            broker: broker, authentication: authentication, metrics: MetricsPage(metrics), readiness: readiness)
        let routes = Routes(
            Self.routes(
                tokens: TokenRoute(broker: broker, authentication: authentication),
                revocation: RevocationRoute(broker: broker, authentication: authentication), operations: operations),
            metrics: metrics)
        http.refusal = routes.refuse
        server = try Self.listen(at: configuration.listen, on: group, http, routes)
        if let address = configuration.metricsListen {
            http.tls = nil
            http.maximumConnections = min(1000, descriptors / 8)
            metricsServer = try Self.listen(
                at: address, on: group, http, Routes(Self.openRoutes(operations), metrics: metrics))
        } else {
            metricsServer = nil
        }
        observe(in: metrics)
        broker.start()
        announce(configuration)
    }

    /// Reads the certificates, keys and authorities that a configuration names, as a start would.
    package static func checkTLS(_ configuration: Configuration) throws(TLSError) {
        _ = try OAuthTokenEndpoint.trust(for: configuration.tenants)
        _ = try listenerTLS(configuration)
    }

    private static func listenerTLS(_ configuration: Configuration) throws(TLSError) -> TLSContext? {
        guard let tls = configuration.listenTLS else { return nil }
        return try .server(certificateFile: tls.certificate, keyFile: tls.key)
    }

    /// Ends in order: not ready, no more connections, what has begun is answered, idle connections closed.
    ///
    /// - Parameter limit: After that what is still open is given up.
    package func stop(within limit: Duration) async {
        logger.notice("draining", metadata: ["connections": "\(server.connectionCount)"])
        readiness.end()
        await server.drain(within: limit)
        await metricsServer?.drain(within: .seconds(1))
        logger.notice("stopped", metadata: ["connections": "\(server.connectionCount)"])
    }

    private static func listen(
        at address: SocketAddress, on group: EventLoopGroup, _ configuration: HTTPServer.Configuration, _ routes: Routes
    ) throws(StartError) -> HTTPServer {
        do throws(SocketError) {
            return try HTTPServer(at: address, on: group, configuration: configuration, handler: routes.respond)
        } catch { throw .listen(address, error) }
    }

    /// Registers what is known of the process as a whole.
    private func observe(in metrics: MetricsRegistry) {
        metrics.collect(
            "tokenwell_log_lines_dropped_total", help: "Log lines that nobody read in time.", kind: .counter
        ) { [Sample(.count(LineWriter.standardError.dropped))] }
        metrics.collect("tokenwell_connections", help: "Open client connections.", kind: .gauge) { [server] in
            [Sample(.count(server.connectionCount))]
        }
        let start = Date().timeIntervalSince1970
        metrics.collect(
            "process_start_time_seconds", help: "Start time of the process since unix epoch in seconds.", kind: .gauge
        ) { [Sample(.time(.seconds(start)))] }
    }

    private func announce(_ configuration: Configuration) {
        logger.notice(
            "listening",
            metadata: [
                "address": "\(address)", "tenants": "\(configuration.tenants.count)",
                "callers": "\(configuration.callers.count)",
            ])
        if let metricsAddress { logger.notice("metrics listening", metadata: ["address": "\(metricsAddress)"]) }
        if configuration.listenTLS == nil, !address.isLoopback {
            logger.warning(
                "keys and tokens travel in clear text: a proxy or mesh in front has to terminate TLS",
                metadata: ["address": "\(address)"])
        }
    }
}

/// Time by the event loops: sleepers are entries in a loop's deadlines, not threads or timers of their own.
struct LoopTimekeeper: Timekeeper {
    private let group: EventLoopGroup

    init(_ group: EventLoopGroup) { self.group = group }

    var now: ContinuousClock.Instant { .now }

    func sleep(until instant: ContinuousClock.Instant) async { await group.any.sleep(until: instant) }
}
