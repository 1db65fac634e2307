import ArgumentParser
import Logging
import Service
import Sockets
import Telemetry

/// `tokenwell serve`: the service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the broker, until SIGTERM drains it.")

    @OptionGroup var configuration: ConfigurationOption

    func run() async throws {
        let configuration = try self.configuration.load()
        let logger = Logger(label: "tokenwell") { JSONLinesLogHandler(label: $0, logLevel: configuration.logLevel) }
        Signals.ignoreBrokenPipes()
        let end = Signals.End()
        let service = try await Self.start(configuration, on: EventLoopGroup(), logger: logger)
        await end.wait()
        // With the second that the metrics listener may take, below the ten that container engines give before they kill.
        await service.stop(within: .seconds(8))
        LineWriter.standardError.flush()
    }

    static func start(_ configuration: Configuration, on group: EventLoopGroup, logger: Logger) async throws -> Service
    {
        do {
            return try Service(configuration, on: group, logger: logger)
        } catch {
            throw Terminal.Failure(error: error.description)
        }
    }
}
