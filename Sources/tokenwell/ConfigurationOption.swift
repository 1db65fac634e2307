import ArgumentParser
import FoundationEssentials
import Service

/// Where the configuration is: what every command that needs one takes.
struct ConfigurationOption: ParsableArguments {
    @Option(
        name: .customLong("config"), help: "The configuration file (default: $TOKENWELL_CONFIG, else tokenwell.yaml).")
    var path: String?

    /// Where the service listens, whatever else is wrong.
    func loadListeners() -> Configuration {
        let environment = ProcessInfo.processInfo.environment
        return ConfigurationLoader.loadListeners(Self.path(path, environment), environment: environment)
    }

    private static func path(_ path: String?, _ environment: [String: String]) -> String {
        path ?? environment["TOKENWELL_CONFIG"] ?? "tokenwell.yaml"
    }

    /// The configuration, or a failure that lists its mistakes.
    func load() throws(Terminal.Failure) -> Configuration {
        let environment = ProcessInfo.processInfo.environment
        do throws(ConfigurationErrors) {
            return try ConfigurationLoader.load(Self.path(path, environment), environment: environment)
        } catch {
            let count = error.mistakes.count
            throw Terminal.Failure(
                details: error.mistakes.map(\.description),
                error: "the configuration has \(count) \(count == 1 ? "mistake" : "mistakes")")
        }
    }
}
