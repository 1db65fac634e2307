import ArgumentParser
import HTTP
import Service
import Sockets
import VendorSimulator

extension SimulatedVendor: ExpressibleByArgument {}

/// `tokenwell simulate`: a vendor to rehearse against.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Simulate a vendor's authorization server on the loopback address.",
        discussion: """
            It refuses what the vendor would refuse, counts mints and bans clients that mint too many.

            GET /_simulator/clients shows the counts. POST /_simulator/fault has it misbehave: mode= error, unavailable, \
            throttle, garbage, empty, oauth_error, slow or same_token; count= a number, or forever. POST /_simulator/expire \
            with client= expires a client's tokens.

            Examples:
              tokenwell simulate pageup --secret rehearsal --port 9000
              curl --data mode=unavailable http://127.0.0.1:9000/_simulator/fault
            """)

    @Argument(help: "pageup or ukg.")
    var vendor: SimulatedVendor

    @Option(help: "Port; 0 for any that is free.")
    var port: UInt16 = 0

    @Option(help: "PageUp's client_id, UKG's application_id (default: acme-integration, app-1).")
    var id: String?

    @Option(help: "The client's secret. It is a rehearsal's: the process list shows it.")
    var secret: String

    @Option(name: .customLong("permit"), help: "A scope (PageUp) or client_id (UKG) that the client may ask for.")
    var permissions: [String] = []

    @Option(help: "Seconds that a token lives (default: the vendor's).")
    var lifetime: Int?

    func validate() throws {
        if let lifetime, !(1...8_640_000).contains(lifetime) {
            throw ValidationError("--lifetime is a number of seconds from 1 to 8640000")
        }
    }

    func run() async throws {
        Signals.ignoreFailedWrites()
        let end = Signals.End()
        let server = try Self.start(
            vendor, clients: [vendor.client(id: id, secret: secret, permissions: permissions)],
            lifetime: lifetime.map { .seconds($0) }, at: .loopback(port: port), on: EventLoopGroup())
        Terminal.print("simulated \(vendor.rawValue) listening at http://\(server.address)")
        await end.wait()
        await server.drain(within: .seconds(2))
    }

    static func start(
        _ vendor: SimulatedVendor, clients: [SimulatedClient], lifetime: Duration? = nil, at address: SocketAddress,
        on group: EventLoopGroup
    ) throws -> HTTPServer {
        do {
            return try HTTPServer(
                at: address, on: group,
                handler: vendor.handler(clients: clients, lifetime: lifetime ?? vendor.lifetime, ban: vendor.ban))
        } catch {
            throw Terminal.Failure(error: "can't listen at \(address): \(error)")
        }
    }
}
