import ArgumentParser
import Service

/// `tokenwell seal`: a secret as the configuration may hold it.
struct SealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Seal a tenant's secret for the configuration.",
        discussion: """
            The secret is read from the terminal, which does not show it, or from standard input, never from the command \
            line, which the process list shows. What is printed goes into the configuration as {sealed: tw1...}, under \
            that tenant and field: it opens nowhere else. Of the configuration, only master_key is read.

            Examples:
              tokenwell seal --tenant acme --field client_secret
              pass show acme | tokenwell seal --tenant acme --field client_secret
            """)

    @OptionGroup var configuration: ConfigurationOption

    @Option(help: "The tenant's name; it need not be in the configuration yet.")
    var tenant: String

    @Option(
        help: """
            Where in the tenant: client_secret, application_secret, either with _next, headers.NAME, parameters.NAME, or \
            parameters.NAME[1] for the second of several.
            """)
    var field: String

    func run() throws {
        guard let place = SecretPlace(tenant: tenant, field: field) else {
            throw Terminal.Failure(
                error: "there is no secret in that tenant and field",
                hint: "the field is client_secret, application_secret, headers.NAME, parameters.NAME or the like")
        }
        guard let ring = try configuration.loadMasterKeys() else {
            throw Terminal.Failure(
                error: "the configuration has no master key",
                hint: "make one with tokenwell masterkey new, and name it as master_key: {file: path}")
        }
        let secret = try SecretInput.read(maximumCount: SealedSecret.maximumCount)
        Terminal.print(SealedSecret(secret, for: place, with: ring).text)
    }
}
