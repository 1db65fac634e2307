import HTTP
import Logging
import Sealing
package import Sockets
import Telemetry
import TokenBroker

/// The effective configuration as text, secrets redacted, for a person to hold against what was meant.
package struct ConfigurationReport: CustomStringConvertible {
    /// Nearly in the shape of `tokenwell.yaml`: every provider as the generic one that it is a value of.
    package let description: String

    package init(_ configuration: Configuration) {
        var lines = ["listen: \(configuration.listen)"]
        if let tls = configuration.listenTLS {
            lines.append("tls: \(Self.text(tls))")
        }
        if let origin = configuration.externalOrigin { lines.append("external_url: \(Self.text(origin))") }
        let metricsListen = configuration.metricsListen.map { "listen: \(Self.text("\($0)")), " } ?? ""
        lines.append("metrics: {\(metricsListen)callers: \(configuration.metricsShowCallers)}")
        lines.append("log: {level: \(configuration.logLevel.rawValue)}")
        lines.append("deadline: \(configuration.deadline.configurationText)")
        lines.append(Self.line(configuration.connections))
        let failedAttempts = configuration.failedAttempts
        lines.append("failed_attempts: {burst: \(failedAttempts.burst), per_minute: \(failedAttempts.perMinute)}")
        lines.append(Self.line(configuration.timeouts))
        if let ring = configuration.masterKeys {
            lines.append("master_key: <secret>  # \(ring.activeID)")
            if let id = ring.previousID { lines.append("master_key_previous: <secret>  # \(id)") }
        }
        lines.append("store: \(Self.text(configuration.effectiveStore))")
        switch configuration.audit {
        case .file(let path): lines.append("audit: {file: \(Self.text(path))}")
        case .standardOutput: lines.append("audit: stdout")
        case nil: break
        }
        let plans = MintPlan.plans(for: configuration.tenants)
        lines += Self.group("tenants", configuration.tenants.map { Self.lines($0, plans[$0.name]) })
        if !configuration.jwtIssuers.isEmpty {
            lines += ["jwt_issuers:"] + configuration.jwtIssuers.flatMap { Self.lines($0).map { "  " + $0 } }
        }
        lines += Self.group("callers", configuration.callers.map(Self.lines))
        lines += configuration.warnings.map { "# warning: \($0)" }
        description = lines.joined(separator: "\n")
    }

    private static func line(_ connections: Configuration.Connections) -> String {
        let perAddress = connections.perAddress.map { ", per_address: \($0)" }
        return "connections: {maximum: \(connections.maximum)\(perAddress ?? "")}"
    }

    private static func line(_ timeouts: Configuration.Timeouts) -> String {
        let fields = [
            ("head", timeouts.head), ("body", timeouts.body), ("idle", timeouts.idle), ("write", timeouts.write),
        ].map { "\($0): \($1.configurationText)" }
        return "timeouts: {\(fields.joined(separator: ", "))}"
    }

    static func group(_ name: String, _ members: [[String]]) -> [String] {
        members.isEmpty ? ["\(name): {}"] : ["\(name):"] + members.joined().map { "  " + $0 }
    }

    private static func lines(_ tenant: Tenant, _ plan: MintPlan?) -> [String] {
        let (provider, budget) = (tenant.provider, tenant.mintBudget)
        var fields = lines(provider)
        fields.append("client_id: \(text(tenant.credential.id))")
        switch provider.clientAuthentication {
        case .tls: break
        case .privateKeyJWT: fields.append("client_key: \(tenant.credential.secret)")
        default: fields.append("client_secret: \(tenant.credential.secret)")
        }
        if let secret = tenant.credential.nextSecret { fields.append("client_secret_next: \(secret)") }
        fields.append("scopes: \(list(tenant.scopes.scopes))")
        if let file = tenant.caFile { fields.append("ca_file: \(text(file))") }
        if let files = tenant.clientCertificate {
            fields.append("client_certificate: {\(pair(files.certificateFile, files.keyFile))}")
        }
        fields.append("keep_warm: \(tenant.keepWarm)")
        fields.append("mint_budget: {burst: \(budget.burst), per_\(budget.period): \(budget.rate)}")
        fields.append("# \(mints(lifetime: provider.defaultLifetime))")
        if let plan { fields += lines(plan) }
        return ["\(tenant.name):"] + fields.map { "  " + $0 }
    }

    private static func lines(_ caller: Caller) -> [String] {
        var fields: [String] = []
        if !caller.keys.isEmpty { fields.append("keys: \(list(caller.keys.map(\.description)))") }
        if let jwt = caller.jwt {
            fields.append("jwt: {issuer: \(text(jwt.issuer)), subject: \(text(jwt.subject.description))}")
        }
        if !caller.certificateNames.isEmpty { fields.append("certificate: \(text(caller.certificateNames))") }
        fields.append("tenants: \(list(caller.grant.tenants.map(\.description)))")
        if let scopes = caller.grant.scopes { fields.append("scopes: \(list(scopes.scopes))") }
        fields.append("revoke: \(caller.grant.mayRevoke)")
        fields.append("operator: \(caller.grant.isOperator)")
        if !caller.networks.isEmpty { fields.append("networks: \(list(caller.networks.map(\.description)))") }
        if let limit = caller.identity.rateLimit {
            fields.append("rate_limit: {per_second: \(limit.perSecond), burst: \(limit.burst)}")
        }
        fields.append("rejections_per_minute: \(caller.identity.rejectionsPerMinute)")
        return ["\(caller.name):"] + fields.map { "  " + $0 }
    }

    private static func lines(_ issuer: JWTIssuer) -> [String] {
        let keys =
            switch issuer.keys {
            case .file(let path): "{file: \(text(path))}"
            case .url(let url, let caFile, let tokenFile):
                "{url: \(text(url))" + (caFile.map { ", ca_file: \(text($0))" } ?? "")
                    + (tokenFile.map { ", token_file: \(text($0))" } ?? "") + "}"
            }
        return [
            "- issuer: \(text(issuer.issuer))", "  jwks: \(keys)", "  audiences: \(list(issuer.audiences))",
            "  leeway: \(issuer.leeway.configurationText)",
            "  maximum_lifetime: \(issuer.maximumLifetime.configurationText)",
        ]
    }

    private static func text(_ names: [CertificateName]) -> String {
        var (uris, dns): ([String], [String]) = ([], [])
        for name in names {
            switch name {
            case .uri(let text): uris.append(text)
            case .dns(let text): dns.append(text)
            }
        }
        let fields = [("uri", uris), ("dns", dns)].filter { !$0.1.isEmpty }.map { "\($0.0): \(list($0.1))" }
        return "{\(fields.joined(separator: ", "))}"
    }

    /// How often a token of that lifetime is minted.
    private static func mints(lifetime: Duration) -> String {
        let planned = decimal(MintPlan.planned(lifetime: lifetime))
        let ceiling = decimal(MintPlan.ceiling(lifetime: lifetime))
        return "mints per hour: \(planned) planned, \(ceiling) at most, while tokens live \(lifetime.configurationText)"
    }

    /// Who shares the credential, and whether the budget is enough.
    private static func lines(_ plan: MintPlan) -> [String] {
        var lines: [String] = []
        if plan.tenants.count > 1 {
            lines.append(
                "# its credential is shared by \(plan.tenants.count) tenants, with one budget of \(text(plan.budget)): "
                    + "\(decimal(plan.planned)) planned an hour, \(decimal(plan.ceiling)) at most")
        }
        if plan.exceedsBudget {
            lines.append(
                "# warning: up to \(decimal(plan.ceiling)) mints an hour are more than the budget of \(text(plan.budget)); "
                    + "if the vendor allows more, raise mint_budget")
        }
        return lines
    }

    private static func text(_ budget: MintBudget.Limits) -> String {
        "\(budget.rate) \(budget.period == .hour ? "an hour" : "a day")"
    }

    private static func decimal(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }

    static func list(_ items: [String]) -> String { "[\(items.map(text).joined(separator: ", "))]" }

    private static func text(_ tls: Configuration.ListenTLS) -> String {
        var fields = [pair(tls.certificate, tls.key)]
        if !tls.additional.isEmpty {
            fields.append(
                "additional: [\(tls.additional.map { "{\(pair($0.certificate, $0.key))}" }.joined(separator: ", "))]")
        }
        if let clients = tls.clients {
            fields.append("client_ca: \(text(clients.caFile))")
            fields.append("client_certificate: \(clients.isRequired ? "required" : "optional")")
        }
        return "{\(fields.joined(separator: ", "))}"
    }

    private static func text(_ store: Configuration.Store) -> String {
        switch store {
        case .sqlite(let path): "{sqlite: \(text(path))}"
        case .redis(let place): "{redis: {\(text(place))}}"
        case .memory: "memory"
        }
    }

    private static func text(_ place: Configuration.RedisPlace) -> String {
        let password = place.password.map { _ in ", password: <secret>" } ?? ""
        let caFile = place.caFile.map { ", ca_file: \(text($0))" } ?? ""
        return "url: \(text("\(place.url)"))\(password)\(caFile), prefix: \(text(place.prefix))"
    }

    private static func pair(_ certificate: String, _ key: String) -> String {
        "certificate: \(text(certificate)), key: \(text(key))"
    }

    /// A line for each certificate of our own: the file, whom it is for, and until when.
    package static func lines(_ certificates: [TLSCertificate]) -> [String] {
        certificates.map { line($0, at: Timestamp.now.milliseconds / 1000) }
    }

    /// - Parameter now: Seconds since 1970.
    static func line(_ certificate: TLSCertificate, at now: Int) -> String {
        let names = (certificate.dnsNames + certificate.otherNames).joined(separator: ", ")
        let dates = "\(Timestamp(certificate.notBefore)) to \(Timestamp(certificate.notAfter))"
        var line = "# \(certificate.file): for \(names.isEmpty ? "no name" : names), from \(dates)"
        if now < certificate.notBefore { line += "; not valid yet" }
        if now > certificate.notAfter { line += "; expired" }
        if certificate.isChosenByName, certificate.dnsNames.isEmpty { line += "; never shown, as it has no DNS name" }
        return line
    }

    /// The text as YAML: plain where that can be read as nothing else, else quoted.
    static func text(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "-./_".utf8.contains($0) }
        guard isPlain, let first = text.utf8.first, first.isASCIILetter || first == UInt8(ascii: "/") else {
            return quoted(text)
        }
        return ["true", "false", "null"].contains(text) ? quoted(text) : text
    }

    static func quoted(_ text: String) -> String {
        let escaped = text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "\"\(String(escaped))\""
    }
}

extension Grant.TenantPattern {
    var description: String {
        switch self {
        case .exact(let name): name
        case .prefix(let prefix): prefix + "*"
        }
    }
}
