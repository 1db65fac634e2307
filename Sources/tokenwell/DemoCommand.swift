import ArgumentParser
import HTTP
import Logging
import Service
import Sockets
import Telemetry
import TokenBroker
import VendorSimulator

/// `tokenwell demo`: the service with both vendors simulated in the same process, and nothing to configure.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Run the broker with both vendors simulated and two sample tenants.",
        discussion: """
            It needs no configuration, keeps nothing, and prints a key and the lines to try. Ctrl-C ends it.

            Example:
              tokenwell demo --port 8080
            """)

    @Option(help: "Port; 0 for any that is free (default: 8080, or any if that is taken).")
    var port: UInt16?

    func run() async throws {
        Signals.ignoreFailedWrites()
        let end = Signals.End()
        let group = try EventLoopGroup()
        var generator = SystemRandomNumberGenerator()
        let secret = CallerKey(using: &generator).reveal()
        let pageUp = try SimulateCommand.start(
            .pageup, clients: [SimulatedVendor.pageup.client(secret: secret)], at: .loopback(), on: group)
        let ukg = try SimulateCommand.start(
            .ukg, clients: [SimulatedVendor.ukg.client(secret: secret)], at: .loopback(), on: group)

        let key = CallerKey(using: &generator)
        var configuration = Configuration()
        configuration.store = .memory
        // Testers of APIs send wrong credentials all the time, and are to find 401 for them.
        configuration.failedAttempts.burst = 1_000_000
        configuration.tenants = [
            Tenant(
                name: "acme", provider: .pageUp(tokenURL: "http://\(pageUp.address)/connect/token"),
                credential: Credential(id: SimulatedVendor.pageup.sampleID, secret: Secret(secret)),
                scopes: ScopeSet(SimulatedVendor.pageup.samplePermissions) ?? .empty),
            Tenant(
                name: "globex", provider: .ukg(baseURL: "http://\(ukg.address)", clientID: "globex"),
                credential: Credential(id: SimulatedVendor.ukg.sampleID, secret: Secret(secret)),
                scopes: ScopeSet(["client"]) ?? .empty),
        ]
        configuration.callers = [
            Caller(
                name: "demo", keys: [key.digest],
                grant: Grant(tenants: [.exact("acme"), .exact("globex")], mayRevoke: true, isOperator: true))
        ]
        let logger = Logger.standardError(LogThreshold(.warning))
        let service = try await start(configuration, on: group, logger: logger)
        Terminal.print(
            Self.text(
                broker: service.address, pageUp: pageUp.address, ukg: ukg.address, key: key.reveal()))
        await end.wait()
        await service.stop(within: .seconds(5))
        LineWriter.standardError.flush()
    }

    private func start(_ configuration: Configuration, on group: EventLoopGroup, logger: Logger) async throws -> Service
    {
        var configuration = configuration
        configuration.listen = .loopback(port: port ?? 8080)
        do {
            return try await ServeCommand.start(configuration, on: group, logger: logger)
        } catch  where port == nil {
            configuration.listen = .loopback()
            return try await ServeCommand.start(configuration, on: group, logger: logger)
        }
    }

    private static func text(broker: SocketAddress, pageUp: SocketAddress, ukg: SocketAddress, key: String) -> String {
        let bearer = "-H 'Authorization: Bearer \(key)'"
        let url = "http://\(broker)"
        return """
            tokenwell demo, listening at \(url): two tenants of vendors that are simulated in this process
              acme    PageUp, tokens of 300 s
              globex  UKG HR Service Delivery, tokens of 3600 s

            The caller is demo, its key (new at every start): \(key)

            A token of each tenant:
              curl -s \(bearer) \(url)/tokens/acme
              curl -s \(bearer) \(url)/tokens/globex
            As any OAuth client would ask, with one scope:
              curl -s -u demo:\(key) -d grant_type=client_credentials -d scope=Public.Application.Read \(url)/tokens/acme
            Revoke a token; UKG's at the vendor, PageUp's only here, as PageUp has no revocation:
              curl -s \(bearer) \(url)/tokens/globex | sed 's/.*"access_token":"\\([^"]*\\)".*/token=\\1/' | curl -s \(bearer) -d @- \(url)/revoke
            Say that the vendor refused the token, and get another; then see who holds it, and why it was minted:
              curl -s \(bearer) \(url)/tokens/acme | sed 's/.*"access_token":"\\([^"]*\\)".*/token=\\1/' | curl -s \(bearer) -d @- \(url)/tokens/acme/rejected
              curl -s \(bearer) \(url)/tenants/acme
            All of it in a browser, for the user demo and that key as password:
              \(url)/status
            What the broker counts, and what each vendor counted:
              curl -s \(url)/metrics
              curl -s http://\(pageUp)/_simulator/clients
              curl -s http://\(ukg)/_simulator/clients
            Take PageUp down for 3 requests, and a mint fails; callers still get the token that is there:
              curl -s -d mode=unavailable -d count=3 http://\(pageUp)/_simulator/fault
              curl -s \(bearer) -X POST \(url)/tenants/acme/refresh

            Ctrl-C ends it.
            """
    }
}
