import ArgumentParser
import Logging
import Service
import Sockets
import Telemetry

/// `tokenwell serve`: the service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the broker, until SIGTERM drains it.",
        discussion: """
            It stays in the foreground. The log is on standard error: JSON lines, or lines for people at a terminal. \
            SIGTERM and SIGINT drain it: what has begun is answered, then it ends.

            Example:
              tokenwell serve --config /etc/tokenwell/tokenwell.yaml
            """)

    @OptionGroup var configuration: ConfigurationOption

    func run() async throws {
        let (configuration, files) = try self.configuration.loadWithFiles()
        let threshold = LogThreshold(configuration.logLevel)
        let logger = Logger.standardError(threshold)
        Signals.ignoreFailedWrites()
        let end = Signals.End()
        let hangups = Signals.hangups()
        let source = self.configuration.source(files, threshold)
        let service = try await Self.start(configuration, on: EventLoopGroup(), logger: logger, source: source)
        let reloads = Task { for await _ in hangups { await service.reload() } }
        await end.wait()
        reloads.cancel()
        // With the seconds that mints, the metrics listener and the store may take, below the ten after which engines kill.
        await service.stop(within: .seconds(6))
        LineWriter.standardError.flush()
    }

    static func start(
        _ configuration: Configuration, on group: EventLoopGroup, logger: Logger, source: ConfigurationSource? = nil
    ) async throws -> Service {
        do {
            return try Service(configuration, on: group, logger: logger, source: source)
        } catch {
            throw Terminal.Failure(error: error.description, hint: Self.hint(error))
        }
    }

    private static func hint(_ error: Service.StartError) -> String? {
        switch error {
        case .listen: "does another program listen there? listen, or TOKENWELL_LISTEN, chooses another address"
        case .tls: "tokenwell check reads the same files, without a start"
        case .store, .noMasterKey, .audit: nil
        }
    }
}
