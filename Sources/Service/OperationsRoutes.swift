import HTTP
import Synchronization
import Telemetry
import TokenBroker

/// What operators and their tools ask: metrics, health, the API's description, a refresh.
struct OperationsRoutes: Sendable {
    /// Never changes.
    private static let description = CompressibleBody(PackageResources.openapi_yaml)

    let broker: Broker
    let authentication: Authentication
    let audit: AuditLog?
    let metrics: MetricsPage
    let readiness: Readiness

    func metrics(_ request: Request, _: String) -> Reply {
        let format = ExpositionFormat(acceptedBy: Accept(request.fields))
        return .later {
            await Self.answer(
                request, type: format.mediaType.text, vary: "Accept, Accept-Encoding", await metrics.current(format))
        }
    }

    /// Alive: the loops turn. A vendor that is down is no reason to restart us.
    func livez(_: Request, _: String) -> Reply { Self.health(.ok, "ok") }

    /// Whether new requests should come here: not while draining.
    func readyz(_: Request, _: String) -> Reply {
        readiness.isReady ? Self.health(.ok, "ok") : Self.health(.serviceUnavailable, "draining")
    }

    func description(_ request: Request, _: String) -> Reply {
        .later { await Self.answer(request, type: "application/yaml", Self.description) }
    }

    /// `POST /tenants/{tenant}/refresh`: mints now, within the budget, and lifts a suspension. Tells no token.
    func refresh(_ request: Request, tenant: String) throws(ErrorResponse) -> Reply {
        let caller = try authentication.caller(of: request)
        return .later {
            do throws(BrokerError) {
                let handOut = try await broker.refresh(tenant: tenant, grant: caller.grant)
                audit?.record(
                    "refresh", request, caller, [("tenant", tenant), ("fingerprint", handOut.token.fingerprint.text)])
                return Self.refreshed(tenant, handOut)
            } catch {
                let refusal = ErrorResponse(error, tenant: tenant).concerning(caller, broker.known(tenant))
                return audit.refused(refusal, request)
            }
        }
    }

    private static func refreshed(_ tenant: String, _ handOut: HandOut) -> Response {
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
    }

    private static func answer(
        _ request: Request, type: String, vary: String = "Accept-Encoding", _ body: CompressibleBody
    ) async -> Response {
        await body.response(to: request, type: type, vary: vary) ?? ErrorResponse.notAcceptable.response
    }

    private static func health(_ status: Status, _ text: String) -> Reply {
        .ready(.json(status, Array(#"{"status":"\#(text)"}"#.utf8)))
    }
}

/// Whether requests should be sent here; turned off once, when draining begins.
final class Readiness: Sendable {
    private let ready = Atomic<Bool>(true)

    var isReady: Bool { ready.load(ordering: .relaxed) }

    func end() { ready.store(false, ordering: .relaxed) }
}
