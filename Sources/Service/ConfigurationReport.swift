import HTTP
import Logging
import TokenBroker

/// The effective configuration as text, secrets redacted, for a person to hold against what was meant.
package struct ConfigurationReport: CustomStringConvertible {
    /// Nearly in the shape of `tokenwell.yaml`: every provider as the generic one that it is a value of.
    package let description: String

    package init(_ configuration: Configuration) {
        var lines = ["listen: \(configuration.listen)"]
        if let tls = configuration.listenTLS {
            lines.append("tls: {certificate: \(Self.text(tls.certificate)), key: \(Self.text(tls.key))}")
        }
        if let metrics = configuration.metricsListen { lines.append("metrics: {listen: \(Self.text("\(metrics)"))}") }
        lines.append("log: {level: \(configuration.logLevel.rawValue)}")
        lines.append("deadline: \(configuration.deadline.configurationText)")
        lines += Self.group("tenants", configuration.tenants.map(Self.lines))
        lines += Self.group("callers", configuration.callers.map(Self.lines))
        description = lines.joined(separator: "\n")
    }

    private static func group(_ name: String, _ members: [[String]]) -> [String] {
        members.isEmpty ? ["\(name): {}"] : ["\(name):"] + members.joined().map { "  " + $0 }
    }

    private static func lines(_ tenant: Tenant) -> [String] {
        let provider = tenant.provider
        var fields = ["provider: \(provider.name)", "token_url: \(withoutQuery(provider.tokenURL))"]
        if let url = provider.revocationURL { fields.append("revocation_url: \(withoutQuery(url))") }
        fields.append("client_auth: \(provider.clientAuthentication.configurationText)")
        fields.append("body: \(provider.bodyFormat == .json ? "json" : "form")")
        fields.append("client_id: \(text(tenant.credential.id))")
        fields.append("client_secret: \(tenant.credential.secret)")
        fields += group("parameters", provider.parameters.map { ["\($0.name): \(list($0.values))"] })
        fields.append("scopes: \(list(tenant.scopes.scopes))")
        fields.append("scope_separator: \(quoted(provider.scopeSeparator))")
        fields.append("default_lifetime: \(provider.defaultLifetime.configurationText)")
        if let file = tenant.caFile { fields.append("ca_file: \(text(file))") }
        fields.append("keep_warm: \(tenant.keepWarm)")
        fields.append("mint_budget: {burst: \(tenant.mintBudget.burst), per_hour: \(tenant.mintBudget.perHour)}")
        fields.append("# \(mints(lifetime: provider.defaultLifetime))")
        return ["\(tenant.name):"] + fields.map { "  " + $0 }
    }

    /// A query may hold a key.
    private static func withoutQuery(_ url: String) -> String {
        url.firstIndex(of: "?").map { url[...$0] + "<secret>" } ?? url
    }

    private static func lines(_ caller: Caller) -> [String] {
        var fields = ["keys: \(list(caller.keys.map(\.description)))"]
        fields.append("tenants: \(list(caller.grant.tenants.map(\.description)))")
        if let scopes = caller.grant.scopes { fields.append("scopes: \(list(scopes.scopes))") }
        fields.append("revoke: \(caller.grant.mayRevoke)")
        fields.append("operator: \(caller.grant.isOperator)")
        return ["\(caller.name):"] + fields.map { "  " + $0 }
    }

    /// How often a token of that lifetime is minted: on average at 0.84 of it, at the earliest at 0.80.
    private static func mints(lifetime: Duration) -> String {
        let lifetimes = Duration.seconds(3600) / lifetime
        let planned = decimal(lifetimes / 0.84)
        let ceiling = decimal(lifetimes / 0.80)
        return "mints per hour: \(planned) planned, \(ceiling) at most, while tokens live \(lifetime.configurationText)"
    }

    private static func decimal(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }

    private static func list(_ items: [String]) -> String { "[\(items.map(text).joined(separator: ", "))]" }

    /// The text as YAML: plain where that can be read as nothing else, else quoted.
    private static func text(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "-./_".utf8.contains($0) }
        guard isPlain, let first = text.utf8.first, first.isASCIILetter || first == UInt8(ascii: "/") else {
            return quoted(text)
        }
        return ["true", "false", "null"].contains(text) ? quoted(text) : text
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "\"\(String(escaped))\""
    }
}

extension Provider.ClientAuthentication {
    fileprivate var configurationText: String {
        switch self {
        case .basic: "basic"
        case .basicRaw: "basic_raw"
        case .body: "body"
        }
    }
}

extension Grant.TenantPattern {
    fileprivate var description: String {
        switch self {
        case .exact(let name): name
        case .prefix(let prefix): prefix + "*"
        }
    }
}
