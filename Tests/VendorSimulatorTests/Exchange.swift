import Foundation
import HTTP
import Synchronization
import Testing

@testable import VendorSimulator

/// A time of day that moves only when told to, and remembers the pauses it was asked for.
final class ManualTime: Sendable {
    private let state = Mutex((now: Date(timeIntervalSince1970: 1_800_000_000), pauses: [Duration]()))

    var now: Date { state.withLock { $0.now } }
    var pauses: [Duration] { state.withLock { $0.pauses } }

    func advance(by duration: Duration) {
        state.withLock { $0.now += duration.timeInterval }
    }

    func pause(for duration: Duration) {
        state.withLock { $0.pauses.append(duration) }
    }
}

extension Request {
    static func get(_ path: String, bearer: String? = nil) -> Request {
        var fields = Fields()
        fields.append("Host", "127.0.0.1:9000")
        if let bearer { fields.append("Authorization", "Bearer \(bearer)") }
        return Request(method: .get, target: target(path), fields: fields)
    }

    /// A form, written as it is sent.
    static func post(
        _ path: String, _ body: String, basic: String? = nil, type: String? = "application/x-www-form-urlencoded"
    ) -> Request {
        var request = get(path)
        request.method = .post
        request.body = Array(body.utf8)
        if let type { request.fields.append("Content-Type", type) }
        if let basic { request.fields.append("Authorization", "Basic \(Data(basic.utf8).base64EncodedString())") }
        return request
    }

    private static func target(_ path: String) -> Target {
        Target(segments: path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init))
    }

    func with(method: Method) -> Request {
        var request = self
        request.method = method
        return request
    }
}

extension Request: CustomTestStringConvertible {
    package var testDescription: String {
        "\(method) /\(target.segments.joined(separator: "/")) \(String(decoding: body, as: UTF8.self))"
    }
}

extension Response {
    var bodyText: String { String(decoding: body, as: UTF8.self) }

    /// Status, fields and body as text, to be compared whole.
    var text: String {
        ([status.description] + fields.all.map { "\($0.name): \($0.value)" } + ["", bodyText]).joined(separator: "\n")
    }

    /// The body of a token answer.
    func tokenAnswer() throws -> TokenAnswer {
        try JSONDecoder().decode(TokenAnswer.self, from: Data(body))
    }
}

struct TokenAnswer: Decodable {
    var access_token: String
    var expires_in: Int
}

/// The header and claims of a JWT, and what its signature is of.
struct DecodedToken {
    let header: String
    let claims: String
    let signed: Data
    let signature: Data

    init?(_ token: String) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.decode(parts[0]), let claims = Self.decode(parts[1]),
            let signature = Self.decode(parts[2])
        else { return nil }
        self.header = String(decoding: header, as: UTF8.self)
        self.claims = String(decoding: claims, as: UTF8.self)
        self.signature = signature
        signed = Data("\(parts[0]).\(parts[1])".utf8)
    }

    private static func decode(_ text: Substring) -> Data? {
        let standard = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        let padding = String(repeating: "=", count: (4 - standard.count % 4) % 4)
        return Data(base64Encoded: String(standard) + padding)
    }
}
