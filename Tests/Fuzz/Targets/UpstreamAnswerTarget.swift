import HTTP
import TokenBroker

@testable import Service

extension FuzzTarget {
    /// The body of an upstream's answer under each kind of status; its beginning is also the `Retry-After`.
    static let upstreamAnswer = FuzzTarget(name: "upstream-answer") { input in
        for code in [200, 201, 302, 400, 401, 429, 503] {
            var response = Response(Status(code), body: input)
            response.fields.append("Retry-After", String(decoding: input.prefix(32), as: UTF8.self))
            for provider in [Provider.pageUp(tokenURL: ""), commas, form, bare, nested, handingOn] {
                switch Result(catching: { () throws(MintFailure) in
                    try UpstreamAnswer.token(response, of: provider, now: now)
                }) {
                case .success(let token): try check(token, status: code)
                case .failure(let failure): try check(failure)
                }
            }
            let revocation = Result { () throws(MintFailure) in
                try UpstreamAnswer.revocation(response, of: commas, now: now)
            }
            if case .failure(let failure) = revocation { try check(failure) }
        }
    }

    /// 2026-11-22 05:00:00 UTC.
    private static let now = 1_795_323_600

    private static let commas: Provider = {
        var provider = Provider.pageUp(tokenURL: "")
        provider.scopeSeparator = ","
        return provider
    }()

    private static let form: Provider = {
        var provider = Provider.pageUp(tokenURL: "")
        provider.answer.format = .form
        provider.answer.expiresInUnit = .unixMilliseconds
        return provider
    }()

    private static let bare: Provider = {
        var provider = Provider.pageUp(tokenURL: "")
        provider.answer.format = .token
        provider.tokenType = "Bearer"
        return provider
    }()

    private static let nested: Provider = {
        var provider = Provider.pageUp(tokenURL: "")
        provider.answer.accessToken = "data.token"
        provider.answer.expiresInUnit = .dateTime
        provider.tokenType = "Bearer"
        return provider
    }()

    private static let handingOn: Provider = {
        var provider = Provider.pageUp(tokenURL: "")
        provider.answer.members = ["instance_url", "id"]
        return provider
    }()

    private static func check(_ minted: MintedToken, status: Int) throws(Violation) {
        let token = minted.token.reveal().utf8
        try require(status == 200, "a token comes with 200")
        try require((1...16384).contains(token.count), "a token of 1 to 16,384 bytes")
        try require(token.allSatisfy { (0x21...0x7E).contains($0) }, "a token that fits a field")
        for member in minted.members.values {
            let text = member.reveal().utf8
            try require(text.count <= 2048 && text.allSatisfy { (0x20...0x7E).contains($0) }, "a printable member")
        }
        try require(minted.lifetime.map { abs($0 / .seconds(1)) <= 1e9 } ?? true, "a lifetime within bounds")
    }

    /// Nothing of what the upstream wrote is in a failure.
    private static func check(_ failure: MintFailure) throws(Violation) {
        let (word, pause): (String, Duration?) =
            switch failure {
            case .rejected(let word): (word, nil)
            case .throttled(let pause): ("", pause)
            case .unavailable(let word, let pause): (word, pause)
            case .timeout: ("timeout", nil)
            }
        try require(pause.map { $0 >= .zero } ?? true, "no pause before now")
        try require(word.isEmpty || words.contains(word), "\(word) is a word of ours")
    }

    private static let words: Set = [
        "access_denied", "invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client",
        "unsupported_grant_type", "empty_answer", "error_in_success", "malformed_answer", "malformed_member",
        "malformed_scope", "malformed_token", "redirected", "unknown_token_type", "http_200", "http_201", "http_400",
        "http_401",
        "http_503",
    ]
}
