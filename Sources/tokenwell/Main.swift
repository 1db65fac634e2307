import ArgumentParser

/// The program: its commands, and where their errors end up.
@main
struct Tokenwell: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenwell",
        abstract: "An OAuth 2.0 token broker.",
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, DemoCommand.self, CheckCommand.self, TokenCommand.self, KeyCommand.self,
            SimulateCommand.self, HealthcheckCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Terminal.exit(with: error)
        }
    }
}
