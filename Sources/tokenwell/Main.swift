import ArgumentParser
import Service

/// The program: its commands, and where their errors end up.
@main
struct Tokenwell: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenwell",
        abstract: "An OAuth 2.0 token broker.",
        discussion: """
            Begin with a broker that needs nothing, and a token from it:
              tokenwell demo
              TOKENWELL_KEY=tw_... tokenwell token acme

            A broker of your own: make a key for each caller, write the configuration, \
            look at what it comes to, start.
              tokenwell key new
              tokenwell check --config tokenwell.yaml
              tokenwell serve --config tokenwell.yaml

            What a script would read goes to standard output, all else to standard error.
            Exit status: 0 done, 1 failed, 64 the command line makes no sense.

            A completion script for bash, zsh or fish:
              tokenwell --generate-completion-script bash
            """,
        version: Build.version,
        subcommands: [
            ServeCommand.self, DemoCommand.self, CheckCommand.self, TokenCommand.self, KeyCommand.self,
            MasterKeyCommand.self, SealCommand.self, SimulateCommand.self, HealthcheckCommand.self,
        ])

    static func main() async {
        do {
            try ProcessSecrecy.begin()
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
