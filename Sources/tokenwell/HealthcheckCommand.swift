import ArgumentParser
import HTTP
import Service
import Sockets

/// `tokenwell healthcheck`: for a container's HEALTHCHECK, in an image that has no curl.
struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck", abstract: "Ask the broker on this machine whether it is alive; exit 0 if so.",
        discussion: """
            It asks the listener that the configuration names, whatever else is wrong there.

            Examples:
              tokenwell healthcheck --config /etc/tokenwell/tokenwell.yaml
              HEALTHCHECK CMD ["/tokenwell", "healthcheck"]
            """)

    @OptionGroup var configuration: ConfigurationOption

    func run() async throws {
        let configuration = self.configuration.loadListeners()
        guard let address = configuration.metricsListen ?? (configuration.listenTLS == nil ? configuration.listen : nil)
        else {
            throw Terminal.Failure(
                error: "the only listener speaks TLS, whose certificate is not for this machine's own address",
                hint: "give metrics a listener of its own, such as metrics: {listen: 127.0.0.1:9090}")
        }
        // A wildcard address is reached at the loopback.
        let isWildcard = ["0.0.0.0", "::"].contains(address.host)
        let authority = isWildcard ? "127.0.0.1:\(address.port)" : address.description
        let response = try await Remote(url: "http://\(authority)/livez").get()
        guard response.status == .ok else { throw Terminal.Failure(error: "not alive: status \(response.status)") }
    }
}
