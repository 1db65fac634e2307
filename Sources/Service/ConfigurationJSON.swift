import HTTP
import Redis
package import Sockets
import Telemetry
import TokenBroker

/// What `tokenwell check --json` says: one object, for scripts. No secret is in it.
package enum ConfigurationJSON {
    /// What a configuration without mistakes comes to.
    ///
    /// - Parameter certificates: Our own.
    package static func text(_ configuration: Configuration, _ certificates: [TLSCertificate]) -> String {
        object { body in
            body.append(#""valid":true"#)
            body.append(member: "listen", configuration.listen.description)
            if let address = configuration.metricsListen { body.append(member: "metrics_listen", address.description) }
            switch configuration.effectiveStore {
            case .sqlite(let path): body.append(member: "store", path)
            case .redis(let place): body.append(member: "store", "\(place.url)")
            case .memory: body.append(member: "store", "memory")
            }
            let plans = MintPlan.plans(for: configuration.tenants)
            body.append(list: "tenants", configuration.tenants) { $0.append($1, plans[$1.name]) }
            body.append(list: "callers", configuration.callers) { $0.append($1) }
            body.append(list: "certificates", certificates) { $0.append($1) }
            body.append(texts: "warnings", configuration.warnings.map { "\($0)" })
        }
    }

    /// What is wrong with a configuration.
    package static func text(_ errors: ConfigurationErrors) -> String {
        object { body in
            body.append(#""valid":false"#)
            body.append(list: "mistakes", errors.mistakes) { body, mistake in
                body.append(member: "file", mistake.file)
                if mistake.line > 0 {
                    body.append(member: "line")
                    body.append(decimal: mistake.line)
                }
                if !mistake.path.isEmpty { body.append(member: "path", mistake.path) }
                body.append(member: "problem", mistake.problem)
                if let hint = mistake.hint { body.append(member: "hint", hint) }
            }
        }
    }

    /// What is wrong with a file of TLS, which the configuration names.
    package static func text(_ error: TLSError) -> String {
        object { body in
            body.append(#""valid":false"#)
            body.append(list: "mistakes", [error]) { $0.append(member: "problem", $1.description) }
        }
    }

    private static func object(_ members: (inout [UInt8]) -> Void) -> String {
        var body: [UInt8] = [UInt8(ascii: "{")]
        members(&body)
        body.append(UInt8(ascii: "}"))
        return String(decoding: body, as: UTF8.self)
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ tenant: Tenant, _ plan: MintPlan?) {
        append(member: "tenant", tenant.name)
        append(member: "provider", tenant.provider.name)
        append(member: "token_url", ConfigurationReport.withoutQuery(tenant.provider.tokenURL))
        append(member: "client_id", tenant.credential.id)
        append(texts: "scopes", tenant.scopes.scopes)
        append(member: "keep_warm", tenant.keepWarm)
        append(member: "mint_budget")
        append(UInt8(ascii: "{"))
        append(member: "burst")
        append(decimal: tenant.mintBudget.burst)
        append(member: tenant.mintBudget.period == .hour ? "per_hour" : "per_day")
        append(decimal: tenant.mintBudget.rate)
        append(UInt8(ascii: "}"))
        guard let plan else { return }
        append(member: "planned_mints_per_hour")
        append(decimal: Int(plan.planned.rounded(.up)))
        append(member: "exceeds_budget", plan.exceedsBudget)
    }

    fileprivate mutating func append(_ caller: Caller) {
        append(member: "caller", caller.name)
        append(texts: "tenants", caller.grant.tenants.map(\.description))
        if let scopes = caller.grant.scopes { append(texts: "scopes", scopes.scopes) }
        append(member: "revoke", caller.grant.mayRevoke)
        append(member: "operator", caller.grant.isOperator)
    }

    fileprivate mutating func append(_ certificate: TLSCertificate) {
        append(member: "file", certificate.file)
        append(texts: "names", certificate.dnsNames + certificate.otherNames)
        append(member: "not_before", Timestamp(certificate.notBefore).description)
        append(member: "not_after", Timestamp(certificate.notAfter).description)
    }

    fileprivate mutating func append(member name: StaticString, _ text: String) {
        append(member: name)
        append(json: text)
    }

    fileprivate mutating func append(member name: StaticString, _ boolean: Bool) {
        append(member: name)
        append(boolean ? "true" : "false")
    }

    fileprivate mutating func append(texts name: StaticString, _ texts: [String]) {
        append(member: name)
        append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            append(json: text)
        }
        append(UInt8(ascii: "]"))
    }

    fileprivate mutating func append<Item>(
        list name: StaticString, _ items: [Item], _ members: (inout [UInt8], Item) -> Void
    ) {
        append(member: name)
        append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            append(UInt8(ascii: "{"))
            members(&self, item)
            append(UInt8(ascii: "}"))
        }
        append(UInt8(ascii: "]"))
    }
}
