/// What `POST /_simulator/fault` asks for: to arm a fault, or to disarm an endpoint.
enum FaultCommand: Equatable {
    case arm(Fault)
    case disarm(Fault.Endpoint)

    /// A command that makes no sense; the text says which part of it, and what would.
    struct Invalid: Error, Equatable {
        let reason: String
    }

    static let longestDelay = 60
    static let highestCount = 1_000_000

    init(_ parameters: Parameters) throws(Invalid) {
        let endpoint = try Self.endpoint(parameters["on"] ?? "token")
        guard let mode = try Self.mode(parameters) else {
            self = .disarm(endpoint)
            return
        }
        guard mode != .sameToken || endpoint == .token else {
            throw Invalid(reason: "same_token is only for on=token")
        }
        self = .arm(Fault(mode: mode, endpoint: endpoint, remaining: try Self.count(parameters["count"] ?? "1")))
    }

    /// nil for `none`.
    private static func mode(_ parameters: Parameters) throws(Invalid) -> Fault.Mode? {
        switch parameters["mode"] {
        case "none": nil
        case "error": .error
        case "unavailable": .unavailable
        case "throttle": .throttle(retryAfter: try retryAfter(parameters["retry_after"] ?? "30"))
        case "garbage": .garbage
        case "empty": .empty
        case "oauth_error": .oauthError
        case "slow": .slow(.seconds(try number(parameters["seconds"] ?? "5", named: "seconds", upTo: longestDelay)))
        case "same_token": .sameToken
        default:
            throw Invalid(
                reason: "mode must be none, error, unavailable, throttle, garbage, empty, oauth_error, slow "
                    + "or same_token")
        }
    }

    private static func endpoint(_ text: String) throws(Invalid) -> Fault.Endpoint {
        guard let endpoint = Fault.Endpoint(rawValue: text) else {
            throw Invalid(reason: "on must be token, revocation or api")
        }
        return endpoint
    }

    /// nil for `forever`.
    private static func count(_ text: String) throws(Invalid) -> Int? {
        text == "forever" ? nil : try number(text, named: "count", upTo: highestCount)
    }

    /// nil for `none`, which leaves the field out.
    private static func retryAfter(_ text: String) throws(Invalid) -> String? {
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            throw Invalid(reason: "retry_after must be at most 64 printable ASCII characters, or none")
        }
        return text == "none" ? nil : text
    }

    private static func number(_ text: String, named name: String, upTo limit: Int) throws(Invalid) -> Int {
        guard let value = Int(text), (1...limit).contains(value) else {
            throw Invalid(reason: "\(name) must be a number from 1 to \(limit)")
        }
        return value
    }
}
