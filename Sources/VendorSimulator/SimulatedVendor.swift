package import HTTP

/// The vendors that can be simulated, by the names that the configuration gives their providers.
package enum SimulatedVendor: String, CaseIterable, Sendable {
    case pageup, ukg

    /// How long the vendor's tokens live.
    package var lifetime: Duration {
        switch self {
        case .pageup: .seconds(300)
        case .ukg: .seconds(3600)
        }
    }

    /// When this simulation of the vendor bans a client.
    package var ban: BanPolicy {
        switch self {
        case .pageup: .pageUp
        case .ukg: .ukg
        }
    }

    /// The id that a sample client has unless it is given another.
    package var sampleID: String {
        switch self {
        case .pageup: "acme-integration"
        case .ukg: "app-1"
        }
    }

    /// What a sample client may ask for unless it is told: PageUp's scopes, UKG's client ids.
    package var samplePermissions: [String] {
        switch self {
        case .pageup: ["Public.Application.Read", "Public.Application.Write"]
        case .ukg: ["globex"]
        }
    }

    /// A client of this vendor.
    ///
    /// - Parameters:
    ///   - id: PageUp's `client_id`, UKG's `application_id`; nil for `sampleID`.
    ///   - permissions: PageUp's scopes, UKG's client ids; none for `samplePermissions`.
    package func client(id: String? = nil, secret: String, permissions: [String] = []) -> SimulatedClient {
        let id = id ?? sampleID
        let permissions = permissions.isEmpty ? samplePermissions : permissions
        return switch self {
        case .pageup: SimulatedClient(id: id, secret: secret, scopes: permissions)
        case .ukg: SimulatedClient(id: id, secret: secret, clientIDs: permissions)
        }
    }

    /// A vendor of its own, with these clients, for an HTTP server to serve.
    ///
    /// - Parameters:
    ///   - lifetime: Of a token, in whole seconds.
    ///   - ban: nil for none.
    package func handler(
        clients: [SimulatedClient], lifetime: Duration, ban: BanPolicy?
    ) -> @Sendable (Request) async -> Response {
        switch self {
        case .pageup:
            let simulator = PageUpSimulator(clients: clients, lifetime: lifetime, ban: ban)
            return { await simulator.respond(to: $0) }
        case .ukg:
            let simulator = UKGSimulator(clients: clients, lifetime: lifetime, ban: ban)
            return { await simulator.respond(to: $0) }
        }
    }
}
