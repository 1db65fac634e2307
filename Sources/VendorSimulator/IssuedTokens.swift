import FoundationEssentials

/// A token that was handed out.
struct IssuedToken: Sendable {
    let text: String
    /// What it was asked for: the scopes at PageUp, the customer's `client_id` at UKG.
    let purpose: String
    /// It is valid before this instant, and not at it.
    let expires: Date
}

/// The tokens that are still good, by client.
///
/// A client has at most `limit` of them: the oldest dies first. Expired ones go when the client gets its next.
struct IssuedTokens: Sendable {
    static let limit = 256

    private var tokens: [String: [IssuedToken]] = [:]
    private var owners: [String: String] = [:]

    /// How many tokens of the client are good at `now`.
    func count(of client: String, at now: Date) -> Int { live(client, now).count }

    /// The client that a token was issued to; nil when it is unknown, dead or expired.
    func owner(of text: String, at now: Date) -> String? {
        guard let client = owners[text], live(client, now).contains(where: { $0.text == text }) else { return nil }
        return client
    }

    /// The client's newest token for a purpose; nil when none is good.
    func latest(of client: String, for purpose: String, at now: Date) -> IssuedToken? {
        live(client, now).last { $0.purpose == purpose }
    }

    mutating func insert(_ token: IssuedToken, of client: String, at now: Date) {
        replace(client, with: Array(live(client, now).suffix(Self.limit - 1)) + [token])
    }

    /// Kills one token; one of another client, or none, is left as it is.
    mutating func remove(_ text: String, of client: String) {
        replace(client, with: (tokens[client] ?? []).filter { $0.text != text })
    }

    /// Kills every token of the client, and says how many were good.
    mutating func removeAll(of client: String, at now: Date) -> Int {
        let count = count(of: client, at: now)
        replace(client, with: [])
        return count
    }

    private func live(_ client: String, _ now: Date) -> [IssuedToken] {
        (tokens[client] ?? []).filter { $0.expires > now }
    }

    private mutating func replace(_ client: String, with kept: [IssuedToken]) {
        for token in tokens[client] ?? [] { owners[token.text] = nil }
        for token in kept { owners[token.text] = client }
        tokens[client] = kept.isEmpty ? nil : kept
    }
}
