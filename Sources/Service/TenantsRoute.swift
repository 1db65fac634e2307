import HTTP
import TokenBroker

/// `GET /tenants` and `GET /tenants/{tenant}`: an operator sees what each tenant does and why, without secrets.
struct TenantsRoute: Sendable {
    private static let usualLimit = 100
    private static let maximumLimit = 1000

    let broker: Broker
    let authentication: Authentication

    /// In the order of their names, `limit` at a time, those that come after the name in `after`.
    func list(_ request: Request, _: String) throws(ErrorResponse) -> Reply {
        let caller = try authentication.caller(of: request)
        let (after, limit) = try caller.served { () throws(ErrorResponse) in
            let parameters = try FormParameters(query: request.target.query)
            let after = try parameters.single("after")
            guard after.map(Tenant.isName) ?? true else { throw .invalidRequest("after is a tenant's name") }
            return (after, try Self.limit(try parameters.single("limit")))
        }
        do throws(BrokerError) {
            let page = try broker.explanations(after: after, limit: limit, grant: caller.grant)
            return .ready(.json(.ok, ExplanationWriter.list(page)))
        } catch {
            throw ErrorResponse(error).concerning(caller)
        }
    }

    func get(_ request: Request, tenant: String) throws(ErrorResponse) -> Reply {
        let caller = try authentication.caller(of: request)
        do throws(BrokerError) {
            let explanation = try broker.explanation(of: tenant, grant: caller.grant)
            return .ready(.json(.ok, ExplanationWriter.whole(explanation)))
        } catch {
            throw ErrorResponse(error, tenant: tenant).concerning(caller, broker.known(tenant))
        }
    }

    private static func limit(_ text: String?) throws(ErrorResponse) -> Int {
        guard let text else { return usualLimit }
        guard text.utf8.count <= 4, text.utf8.allSatisfy(\.isASCIIDigit), let limit = Int(text),
            (1...maximumLimit).contains(limit)
        else { throw .invalidRequest("limit is a number from 1 to \(maximumLimit)") }
        return limit
    }
}
