import Foundation
import HTTP

/// What a client got, in forms that tests compare.
struct Answer: Sendable {
    let response: Response

    var status: Int { response.status.code }
    var text: String { String(decoding: response.body, as: UTF8.self) }
    var json: JSONValue? { try? JSONDecoder().decode(JSONValue.self, from: Data(response.body)) }
    var token: String? { json?["access_token"]?.text }

    subscript(field name: StaticString) -> String? { response.fields[name] }

    /// Status, fields and body; what no two answers have in common left out.
    var comparable: String {
        let fields = response.fields.all.filter { !["X-Request-Id", "Date"].contains($0.name) }
            .map { "\($0.name): \($0.value)" }
        return ([status.description] + fields + ["", text]).joined(separator: "\n")
    }

    /// Every byte that reached the client.
    var whole: String {
        (response.fields.all.map { "\($0.name): \($0.value)" } + [text]).joined(separator: "\n")
    }
}

extension Reply {
    /// What it comes to, waited for if need be.
    var response: Response {
        get async {
            switch self {
            case .ready(let response): response
            case .later(let work): await work()
            }
        }
    }
}
