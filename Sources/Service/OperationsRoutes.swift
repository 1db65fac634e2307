import HTTP
import Synchronization
import Telemetry
import TokenBroker

/// What operators and their tools ask: metrics, health, the API's description, a refresh.
struct OperationsRoutes: Sendable {
    let broker: Broker
    let authentication: Authentication
    let metrics: MetricsPage
    let readiness: Readiness

    func metrics(_: Request, _: String) -> Response {
        Response(.ok, type: "text/plain; version=0.0.4; charset=utf-8", body: metrics.current())
    }

    /// Alive: the loops turn. A vendor that is down is no reason to restart us.
    func livez(_: Request, _: String) -> Response { Self.health(.ok, "ok") }

    /// Whether new requests should come here: not while draining.
    func readyz(_: Request, _: String) -> Response {
        readiness.isReady ? Self.health(.ok, "ok") : Self.health(.serviceUnavailable, "draining")
    }

    func description(_: Request, _: String) -> Response {
        Response(.ok, type: "application/yaml", body: PackageResources.openapi_yaml)
    }

    /// `POST /tenants/{tenant}/refresh`: mints now, within the budget, and lifts a suspension. Tells no token.
    func refresh(_ request: Request, tenant: String) async throws(ErrorResponse) -> Response {
        let caller = try authentication.caller(of: request)
        do throws(BrokerError) {
            let handOut = try await broker.refresh(tenant: tenant, grant: caller.grant)
            var body: [UInt8] = [UInt8(ascii: "{")]
            body.append(member: "tenant")
            body.append(json: tenant)
            body.append(member: "fingerprint")
            body.append(json: handOut.token.fingerprint.text)
            body.append(member: "expires_in")
            body.append(decimal: handOut.remaining.wholeSeconds)
            body.append(member: "refresh_in")
            body.append(decimal: handOut.refreshIn.wholeSeconds)
            body.append(UInt8(ascii: "}"))
            return .json(.ok, body)
        } catch {
            throw ErrorResponse(error, tenant: tenant)
        }
    }

    private static func health(_ status: Status, _ text: String) -> Response {
        .json(status, Array(#"{"status":"\#(text)"}"#.utf8))
    }
}

/// The metrics as text. Anyone may ask, so a large page, which is costly to make and to hold, is made once a second at most
/// and shared by all who ask meanwhile.
final class MetricsPage: Sendable {
    private static let largeBytes = 256 * 1024
    private let registry: MetricsRegistry
    private let large = Mutex<(bytes: [UInt8], end: ContinuousClock.Instant)?>(nil)

    init(_ registry: MetricsRegistry) { self.registry = registry }

    func current(at now: ContinuousClock.Instant = .now) -> [UInt8] {
        large.withLock { large in
            if let page = large, now < page.end { return page.bytes }
            let bytes = registry.exposition()
            large = bytes.count > Self.largeBytes ? (bytes, now.advanced(by: .seconds(1))) : nil
            return bytes
        }
    }
}

/// Whether requests should be sent here; turned off once, when draining begins.
final class Readiness: Sendable {
    private let ready = Atomic<Bool>(true)

    var isReady: Bool { ready.load(ordering: .relaxed) }

    func end() { ready.store(false, ordering: .relaxed) }
}
