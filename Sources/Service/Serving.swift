import HTTP
import Synchronization
import Telemetry
import TokenBroker

/// What one configuration comes to while it is in force. A request is answered by one of these from beginning to end.
final class Serving: Sendable {
    let configuration: Configuration
    let broker: Broker
    let issuers: JWTIssuers
    let authentication: Authentication
    let routes: Routes
    /// Those of a metrics listener.
    let openRoutes: Routes

    init(
        _ configuration: Configuration, _ broker: Broker, _ issuers: JWTIssuers, _ authentication: Authentication,
        on premises: Premises
    ) {
        self.configuration = configuration
        self.broker = broker
        self.issuers = issuers
        self.authentication = authentication
        let audit = premises.audit
        let operations = OperationsRoutes(
            broker: broker, authentication: authentication, audit: audit, metrics: premises.page,
            readiness: premises.readiness)
        openRoutes = Routes(Service.openRoutes(operations), metrics: premises.metrics)
        routes = Routes(
            Service.routes(
                tokens: TokenRoute(broker: broker, authentication: authentication, audit: audit),
                rejection: RejectionRoute(broker: broker, authentication: authentication, audit: audit),
                revocation: RevocationRoute(broker: broker, authentication: authentication, audit: audit),
                tenants: TenantsRoute(broker: broker, authentication: authentication),
                status: StatusRoute(authentication: authentication), operations: operations,
                reload: ReloadRoute(authentication: authentication, audit: audit, reloader: premises.reloader),
                metadata: MetadataRoute(origin: premises.origin), showsMetrics: configuration.metricsListen == nil),
            metrics: premises.metrics, audit: audit)
    }
}

/// The one that is in force. The lock is taken once for each request, and held for as long as a reference takes to copy.
final class CurrentServing: Sendable {
    private let current: Mutex<Serving>

    init(_ serving: Serving) { current = Mutex(serving) }

    var value: Serving { current.withLock(\.self) }

    func replace(with serving: Serving) { current.withLock { $0 = serving } }
}

/// What outlasts every configuration of a service.
struct Premises: Sendable {
    let metrics: MetricsRegistry
    let page: MetricsPage
    let readiness = Readiness()
    let audit: AuditLog?
    let origin: ExternalOrigin
    let reloader = ReloaderReference()

    init(_ configuration: Configuration, metrics: MetricsRegistry, audit: AuditLog?) {
        self.metrics = metrics
        self.audit = audit
        page = MetricsPage(metrics)
        origin = ExternalOrigin(configuration.externalOrigin)
    }
}
