import HTTP
import TokenBroker

/// `POST /reload`: an operator has the configuration read again, as SIGHUP does.
struct ReloadRoute: Sendable {
    let authentication: Authentication
    let audit: AuditLog?
    let reloader: ReloaderReference

    func post(_ request: Request, _: String) throws(ErrorResponse) -> Reply {
        let caller = try authentication.caller(of: request)
        guard caller.grant.isOperator else { throw ErrorResponse(BrokerError.accessDenied).concerning(caller) }
        return .later {
            // There is none while the service starts, and once it has ended.
            guard let reload = await reloader.value?.reload() else {
                return ErrorResponse(refusing: .serviceUnavailable, "the service is starting or ending").response
            }
            audit?.record("reload", request, caller, reload.members(.request))
            return reload.response
        }
    }
}
