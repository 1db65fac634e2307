import HTTP
import TokenBroker

/// `POST /tokens/{tenant}/rejected`: a caller says that the vendor refused a token, and gets the current one.
struct RejectionRoute: Sendable {
    let broker: Broker
    let authentication: Authentication
    let audit: AuditLog?

    /// The token, or its fingerprint, is compared with the one that the caller would be given for the same `scope`.
    func post(_ request: Request, tenant: String) throws(ErrorResponse) -> Reply {
        let form = try FormParameters(bodyOf: request)
        let caller = try authentication.caller(of: request, form: form)
        let (fingerprint, wanted) = try caller.served { () throws(ErrorResponse) in
            (
                try Self.fingerprint(form),
                try TokenRequest(tenant: tenant, scope: try form.single("scope"), caller: caller)
            )
        }
        return .later {
            do throws(BrokerError) {
                let handOut = try await broker.reject(fingerprint, wanted)
                audit?.record(
                    "rejection", request, caller,
                    [("tenant", tenant), ("fingerprint", fingerprint.text), ("outcome", "ok")])
                audit?.handOut(handOut, of: tenant, to: caller, request)
                return TokenRoute.answer(handOut)
            } catch {
                let refusal = ErrorResponse(error, tenant: tenant).concerning(caller, broker.known(tenant))
                audit?.refusal(refusal, request)
                if let tenant = broker.known(tenant) {
                    audit?.record(
                        "rejection", request, caller,
                        [
                            ("tenant", tenant), ("fingerprint", fingerprint.text), ("outcome", refusal.code ?? ""),
                        ])
                }
                return refusal.response
            }
        }
    }

    private static func fingerprint(_ form: FormParameters) throws(ErrorResponse) -> Fingerprint {
        switch (try form.single("token"), try form.single("fingerprint")) {
        case (let token?, nil):
            return Fingerprint(of: token)
        case (nil, let text?):
            guard let fingerprint = Fingerprint(parsing: text) else {
                throw .invalidRequest("a fingerprint is 16 lower-case hex digits")
            }
            return fingerprint
        default:
            throw .invalidRequest("either token or fingerprint is required")
        }
    }
}
