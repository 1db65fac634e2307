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
            The caller's key is read from $TOKENWELL_KEY or from --key-file, never from the command line, which the process
            list shows.
            """)

    @Argument(help: "The tenant's name.")
    var tenant: String

    @Option(help: "The broker (default: $TOKENWELL_URL, else http://127.0.0.1:8080).")
    var url: String?

    @Option(help: "A file that holds the caller's key.")
    var keyFile: String?

    @Option(help: "A PEM file of authorities to trust besides the system's.")
    var caFile: String?

    @Flag(help: "Print the whole answer instead of the token alone.")
    var json = false

    /// What is read of the broker's answer.
    private struct Answer: Decodable {
        var accessToken: String?
        var errorDescription: String?

        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case errorDescription = "error_description"
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        var base = url ?? environment["TOKENWELL_URL"] ?? "http://127.0.0.1:8080"
        if base.hasSuffix("/") { base.removeLast() }
        let key = try key(environment)
        guard Tenant.isName(tenant) else { throw Terminal.Failure(error: "that is no tenant's name") }
        let response = try await Remote(url: "\(base)/tokens/\(tenant)", caFile: caFile).get(key: key)
        let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body))
        guard response.status == .ok, let token = answer?.accessToken else {
            let reason = answer?.errorDescription.map(Printable.plain) ?? "not a broker's answer"
            throw Terminal.Failure(error: "status \(response.status): \(reason)")
        }
        Terminal.print(json ? String(decoding: response.body, as: UTF8.self) : token)
    }

    private func key(_ environment: [String: String]) throws -> String {
        guard let keyFile else {
            if let key = environment["TOKENWELL_KEY"], !key.isEmpty { return key }
            throw Terminal.Failure(error: "no key", hint: "set TOKENWELL_KEY, or give --key-file")
        }
        guard let data = FileManager.default.contents(atPath: keyFile) else {
            throw Terminal.Failure(error: "can't read \(keyFile)")
        }
        return String(String(decoding: data, as: UTF8.self).prefix { !$0.isNewline })
    }
}
