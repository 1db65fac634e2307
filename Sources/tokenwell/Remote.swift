import HTTP
import Service
import Sockets

/// A running broker, as a command asks it.
struct Remote {
    let url: String
    var caFile: String?

    /// Asks without credentials.
    func get() async throws(Terminal.Failure) -> Response {
        guard let url = HTTPURL(url) else { throw unusable }
        return try await send(to: url, Fields())
    }

    /// Asks with a caller's key, which goes in clear text nowhere but to this machine.
    func get(key: String) async throws(Terminal.Failure) -> Response {
        guard let url = HTTPURL(url), url.scheme == .https || url.isLoopback else { throw unusable }
        var fields = Fields()
        fields.append("Authorization", "Bearer \(key)")
        return try await send(to: url, fields)
    }

    private var unusable: Terminal.Failure {
        Terminal.Failure(
            error: "\(Printable.quoted(url)) is not a usable URL", hint: "https, or http for a loopback address")
    }

    private func send(to url: HTTPURL, _ fields: Fields) async throws(Terminal.Failure) -> Response {
        Signals.ignoreFailedWrites()
        do {
            let client = HTTPClient(on: try EventLoopGroup(count: 1))
            return try await client.send(
                .get, to: url, fields: fields, tls: try .client(caFile: caFile),
                by: .now.advanced(by: .seconds(10)))
        } catch {
            throw Terminal.Failure(
                error: "no answer from \(url.authority): \(error)", hint: "is the broker running there?")
        }
    }
}
