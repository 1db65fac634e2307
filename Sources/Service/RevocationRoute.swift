import HTTP
import TokenBroker

/// `POST /revoke`: RFC 7009. `POST /tenants/{tenant}/revoke`: all of a tenant's tokens.
struct RevocationRoute: Sendable {
    let broker: Broker
    let authentication: Authentication
    let audit: AuditLog?

    /// Answers 200 for an unknown token too (RFC 7009 §2.2); `token_type_hint` is only a hint, and there is one type here.
    func post(_ request: Request, _: String) throws(ErrorResponse) -> Reply {
        let form = try FormParameters(bodyOf: request)
        let caller = try authentication.caller(of: request, form: form)
        let token = try caller.served { () throws(ErrorResponse) in
            guard let token = try form.single("token") else { throw .invalidRequest("token is missing") }
            return token
        }
        return .later {
            let fingerprint = Fingerprint(of: token).text
            do throws(BrokerError) {
                let revocation = try await broker.revoke(Secret(token), grant: caller.grant)
                audit?.record(
                    "revocation_request", request, caller,
                    [("fingerprint", fingerprint), ("outcome", revocation.rawValue)])
                return .json(.ok, Array(#"{"revoked":"\#(revocation.rawValue)"}"#.utf8))
            } catch {
                let refusal = ErrorResponse(error).concerning(caller)
                audit?.record(
                    "revocation_request", request, caller,
                    [("fingerprint", fingerprint), ("outcome", refusal.code ?? "")])
                return refusal.response
            }
        }
    }

    /// For operators: every token of a tenant, or with the form `minted_with=withdrawn_secret` those of no present secret.
    func postTenant(_ request: Request, tenant: String) throws(ErrorResponse) -> Reply {
        let caller = try authentication.caller(of: request)
        let withdrawnOnly = try caller.served { () throws(ErrorResponse) in
            guard !request.body.isEmpty else { return false }
            let form = try FormParameters(bodyOf: request)
            try form.require(only: "minted_with")
            guard let secret = try form.single("minted_with") else { return false }
            guard secret == "withdrawn_secret" else { throw .invalidRequest("minted_with is withdrawn_secret") }
            return true
        }
        return .later {
            do throws(BrokerError) {
                let count = try await broker.revokeAll(
                    of: tenant, withdrawnOnly: withdrawnOnly, grant: caller.grant)
                audit?.record(
                    "tenant_revocation", request, caller,
                    [
                        ("tenant", tenant), ("upstream", "\(count.upstream)"), ("local", "\(count.local)"),
                        ("pending", "\(count.pending)"),
                    ])
                return .json(.ok, Self.body(tenant, count))
            } catch {
                let refusal = ErrorResponse(error, tenant: tenant).concerning(caller, broker.known(tenant))
                return audit.refused(refusal, request)
            }
        }
    }

    private static func body(_ tenant: String, _ count: RevocationCount) -> [UInt8] {
        var body: [UInt8] = [UInt8(ascii: "{")]
        body.append(member: "tenant")
        body.append(json: tenant)
        body.append(member: "upstream")
        body.append(decimal: count.upstream)
        body.append(member: "local")
        body.append(decimal: count.local)
        body.append(member: "pending")
        body.append(decimal: count.pending)
        body.append(UInt8(ascii: "}"))
        return body
    }
}
