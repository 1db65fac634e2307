import HTTP
import Sockets

/// Where the keys of an issuer are read.
protocol KeySource: Sendable {
    /// How long after a failure it is read again.
    var pause: Duration { get }

    /// Reads them.
    func read() async throws(KeySourceFailure) -> KeyDocument
}

/// A key set as its source has it.
struct KeyDocument: Equatable {
    let bytes: [UInt8]
    /// After how long it is to be read again.
    let period: Duration
}

/// Why keys could not be read: a clause for people.
struct KeySourceFailure: Error, Equatable {
    let reason: String
}

/// A key set in a file, which is read every five seconds.
struct KeyFile: KeySource {
    /// Longer files are refused.
    static let maximumBytes = 64 * 1024

    let pause = Duration.seconds(5)
    let path: String

    func read() throws(KeySourceFailure) -> KeyDocument {
        do throws(ConfigurationFile.Unreadable) {
            return KeyDocument(bytes: try ConfigurationFile.read(path, limit: Self.maximumBytes), period: pause)
        } catch {
            throw KeySourceFailure(reason: "the file \(error.reason)")
        }
    }
}

/// A key set at a URL: kept as long as its answer says, from five minutes to a day, and one hour if it says nothing.
struct KeyURL: KeySource {
    private static let usualLifetime = Duration.seconds(3600)
    private static let lifetimes = Duration.seconds(300) ... .seconds(24 * 3600)
    private static let maximumTokenBytes = 16 * 1024

    let pause = Duration.seconds(60)
    let client: HTTPClient
    let url: HTTPURL
    /// Whom it trusts.
    let tls: ReloadableTLSContext
    /// Holds what is sent as a bearer token.
    let tokenFile: String?
    /// For the whole answer.
    let deadline: Duration

    func read() async throws(KeySourceFailure) -> KeyDocument {
        var fields = Fields()
        fields.append("Accept", "application/jwk-set+json, application/json")
        if let tokenFile { fields.append("Authorization", "Bearer \(try Self.token(in: tokenFile))") }
        let response: Response
        do throws(HTTPClientError) {
            response = try await client.send(
                .get, to: url, fields: fields, tls: tls.current.value, by: .now.advanced(by: deadline))
        } catch {
            throw KeySourceFailure(reason: error.description)
        }
        guard response.status == .ok else { throw KeySourceFailure(reason: "status \(response.status.code)") }
        let lifetime = Self.lifetime(response.fields["Cache-Control"])
        // Ahead of its end, so that a source that is down for a while does not matter.
        return KeyDocument(bytes: response.body, period: lifetime - lifetime / 5)
    }

    /// By `max-age` (RFC 9111 §5.2.2.1), within bounds.
    static func lifetime(_ cacheControl: String?) -> Duration {
        for directive in (cacheControl ?? "").split(separator: ",") {
            let parts = directive.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\"" } }
            guard parts.count == 2, parts[0].lowercased() == "max-age", parts[1].utf8.count <= 9,
                let seconds = UInt32(parts[1])
            else { continue }
            return min(max(.seconds(Int(seconds)), lifetimes.lowerBound), lifetimes.upperBound)
        }
        return usualLifetime
    }

    private static func token(in file: String) throws(KeySourceFailure) -> String {
        let bytes: [UInt8]
        do throws(ConfigurationFile.Unreadable) {
            bytes = try ConfigurationFile.read(file, limit: maximumTokenBytes)
        } catch {
            throw KeySourceFailure(reason: "the token file \(error.reason)")
        }
        let token = bytes.reversed().drop { $0 == 0x0A || $0 == 0x0D }.reversed()
        guard !token.isEmpty, token.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw KeySourceFailure(reason: "the token file holds no token")
        }
        return String(decoding: token, as: UTF8.self)
    }
}
