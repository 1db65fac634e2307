import ArgumentParser
import FoundationEssentials
import HTTP
import Service
import Sockets
import TokenBroker

/// `tokenwell token`: a token for people and scripts, from a running broker.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Print a tenant's access token.",
        discussion: """
            The caller's key is read from $TOKENWELL_KEY or from --key-file, never from the command line, which the process \
            list shows. The token alone goes to standard output, for a pipe or a variable.

            Examples:
              tokenwell token acme --key-file /run/secrets/tokenwell_key
              export TOKENWELL_URL=https://tokens.example TOKENWELL_KEY=tw_...
              curl --oauth2-bearer "$(tokenwell token acme)" https://api.vendor.example
              tokenwell token acme --json | jq .expires_in
            """)

    @Argument(help: "The tenant's name.")
    var tenant: String

    @Option(help: "The broker (default: $TOKENWELL_URL, else http://127.0.0.1:8080).")
    var url: String?

    @Option(help: "A file that holds the caller's key.", completion: .file())
    var keyFile: String?

    @Option(help: "A PEM file of authorities to trust besides the system's.", completion: .file())
    var caFile: String?

    @Flag(help: "Print the whole answer instead of the token alone.")
    var json = false

    /// What is read of the broker's answer.
    private struct Answer: Decodable {
        var accessToken: String?
        var errorDescription: String?
        var retryAfter: Int?

        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case errorDescription = "error_description"
            case retryAfter = "retry_after"
        }
    }

    func run() async throws {
        let environment = ProcessEnvironment.variables
        var base = url ?? environment["TOKENWELL_URL"] ?? "http://127.0.0.1:8080"
        if base.hasSuffix("/") { base.removeLast() }
        let key = try key(environment)
        guard Tenant.isName(tenant) else {
            throw Terminal.Failure(
                error: "that is no tenant's name",
                hint: "a name is 1 to 63 lower-case letters, digits, dots, underscores and hyphens, such as acme")
        }
        let response = try await Remote(url: "\(base)/tokens/\(tenant)", caFile: caFile).get(key: key)
        let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body))
        guard response.status == .ok, let token = answer?.accessToken else {
            let reason = answer?.errorDescription.map(Printable.plain) ?? "not a broker's answer"
            throw Terminal.Failure(
                error: "status \(response.status): \(reason)",
                hint: Self.hint(response.status, retryAfter: answer?.retryAfter))
        }
        Terminal.print(json ? String(decoding: response.body, as: UTF8.self) : token)
    }

    /// What to do about a refusal; nil where its reason says it.
    private static func hint(_ status: Status, retryAfter: Int?) -> String? {
        switch status.code {
        case 401: "is that the key of a caller in the broker's configuration, and of this broker?"
        case 403: "the caller's grant, callers.<name>.tenants, has to name the tenant"
        case 404: "tokenwell check shows the tenants of a configuration"
        case 502: "correct the credential, or have an operator POST /tenants/<tenant>/refresh"
        default: retryAfter.map { "try again in \($0) s" }
        }
    }

    private func key(_ environment: [String: String]) throws -> String {
        guard let keyFile else {
            if let key = environment["TOKENWELL_KEY"], !key.isEmpty {
                ProcessEnvironment.conceal("TOKENWELL_KEY")
                return key
            }
            throw Terminal.Failure(error: "no key", hint: "set TOKENWELL_KEY, or give --key-file")
        }
        guard let data = FileManager.default.contents(atPath: keyFile) else {
            throw Terminal.Failure(
                error: "can't read \(keyFile)", hint: "it has to be there, and this user's to read")
        }
        return String(String(decoding: data, as: UTF8.self).prefix { !$0.isNewline })
    }
}
