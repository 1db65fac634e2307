import HTTP
import TokenBroker

/// `POST /revoke`: RFC 7009.
struct RevocationRoute: Sendable {
    let broker: Broker
    let authentication: Authentication

    /// Answers 200 for an unknown token too (RFC 7009 §2.2); `token_type_hint` is only a hint, and there is one type here.
    func post(_ request: Request, _: String) async throws(ErrorResponse) -> Response {
        let form = try FormParameters(bodyOf: request)
        let caller = try authentication.caller(of: request, form: form)
        guard let token = try form.single("token") else { throw .invalidRequest("token is missing") }
        do throws(BrokerError) {
            let revocation = try await broker.revoke(Secret(token), grant: caller.grant)
            return .json(.ok, Array(#"{"revoked":"\#(revocation.rawValue)"}"#.utf8))
        } catch {
            throw ErrorResponse(error)
        }
    }
}
