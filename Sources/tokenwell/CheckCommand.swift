import ArgumentParser
import Service
import Sockets

/// `tokenwell check`: is the configuration right, and what does it come to?
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate the configuration and show what it comes to, without its secrets.")

    @OptionGroup var configuration: ConfigurationOption

    func run() throws {
        let configuration = try configuration.load()
        do {
            try Service.checkTLS(configuration)
        } catch {
            throw Terminal.Failure(error: error.description)
        }
        Terminal.print(ConfigurationReport(configuration).description)
    }
}
