import ArgumentParser
import Service
import Sockets

/// `tokenwell check`: is the configuration right, and what does it come to?
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate the configuration and show what it comes to, without its secrets.",
        discussion: """
            Every mistake is listed, each with its file, line and a hint; then the exit status is 1. It reads secrets, \
            certificates and keys as serve would, and asks no vendor anything.

            Examples:
              tokenwell check --config tokenwell.yaml
              tokenwell check --json | jq --raw-output '.mistakes[]?.problem, .warnings[]?'
            """)

    @OptionGroup var configuration: ConfigurationOption

    @Flag(help: "Print one JSON object, also of what is wrong.")
    var json = false

    func run() throws {
        if json { return try printJSON() }
        let configuration = try configuration.check()
        let certificates: [TLSCertificate]
        do {
            certificates = try Service.checkTLS(configuration)
        } catch {
            throw Terminal.Failure(error: error.description)
        }
        Terminal.print(ConfigurationReport(configuration).description)
        for line in ConfigurationReport.lines(certificates) { Terminal.print(line) }
    }

    private func printJSON() throws(Terminal.Failure) {
        let configuration: Configuration
        do throws(ConfigurationErrors) { configuration = try self.configuration.read() } catch {
            Terminal.print(ConfigurationJSON.text(error))
            throw Terminal.Failure(counting: error)
        }
        do throws(TLSError) {
            Terminal.print(ConfigurationJSON.text(configuration, try Service.checkTLS(configuration)))
        } catch {
            Terminal.print(ConfigurationJSON.text(error))
            throw Terminal.Failure(error: error.description)
        }
    }
}
