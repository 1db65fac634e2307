import ArgumentParser
import Sealing
import Service
import Telemetry

/// Where the configuration is: what every command that needs one takes.
struct ConfigurationOption: ParsableArguments {
    @Option(
        name: .customLong("config"), help: "The configuration file (default: $TOKENWELL_CONFIG, else tokenwell.yaml).",
        completion: .file(extensions: ["yaml"]))
    var path: String?

    /// The main file.
    var file: String { path ?? ProcessEnvironment.variables["TOKENWELL_CONFIG"] ?? "tokenwell.yaml" }

    /// Where the service listens, whatever else is wrong.
    func loadListeners() -> Configuration {
        ConfigurationLoader.loadListeners(file, environment: ProcessEnvironment.variables)
    }

    /// The master keys, whatever else is wrong, or a failure that lists the mistakes in how they are given.
    func loadMasterKeys() throws(Terminal.Failure) -> KeyRing? {
        do throws(ConfigurationErrors) {
            return try ConfigurationLoader.loadMasterKeys(
                file, environment: ProcessEnvironment.variables, conceal: ProcessEnvironment.conceal)
        } catch {
            throw Terminal.Failure(error)
        }
    }

    /// The configuration, or its mistakes.
    func read() throws(ConfigurationErrors) -> Configuration {
        let reading = Self.read(file)
        guard reading.mistakes.isEmpty else { throw ConfigurationErrors(reading.mistakes) }
        return reading.configuration
    }

    /// The configuration, or a failure that lists its mistakes.
    func load() throws(Terminal.Failure) -> Configuration { try loadWithFiles().configuration }

    /// The configuration with the files that it came from, or a failure that lists its mistakes.
    func loadWithFiles() throws(Terminal.Failure) -> (configuration: Configuration, files: ConfigurationFiles?) {
        let reading = Self.read(file)
        guard reading.mistakes.isEmpty else { throw Terminal.Failure(ConfigurationErrors(reading.mistakes)) }
        return (reading.configuration, reading.files)
    }

    /// As ``load()``; the failure says too what a broker that runs would make of it.
    func check() throws(Terminal.Failure) -> Configuration {
        let reading = Self.read(file)
        guard reading.mistakes.isEmpty else {
            throw Terminal.Failure(ConfigurationErrors(reading.mistakes), leaving: reading.tenantsLeftAlone)
        }
        return reading.configuration
    }

    /// Where a service reads its configuration again.
    func source(_ files: ConfigurationFiles?, _ threshold: LogThreshold) -> ConfigurationSource {
        ConfigurationSource(files: files, threshold: threshold) { [file] in Self.read(file) }
    }

    private static func read(_ file: String) -> ConfigurationReading {
        ConfigurationLoader.read(
            file, environment: ProcessEnvironment.variables, conceal: ProcessEnvironment.conceal)
    }
}

extension Terminal.Failure {
    /// - Parameter tenants: Those that a reload would leave as they are, to take the rest.
    fileprivate init(_ errors: ConfigurationErrors, leaving tenants: [String] = []) {
        self.init(counting: errors, leaving: tenants)
        details = errors.mistakes.map(\.description)
    }

    /// Says how many there are, and not which.
    init(counting errors: ConfigurationErrors, leaving tenants: [String] = []) {
        let count = errors.mistakes.count
        let names = tenants.joined(separator: ", ")
        let rest =
            tenants.isEmpty
            ? "" : "; a reload would leave \(names) as \(tenants.count == 1 ? "it is" : "they are"), and take the rest"
        self.init(error: "the configuration has \(count) \(count == 1 ? "mistake" : "mistakes")\(rest)")
    }
}
