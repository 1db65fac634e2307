import HTTP
import Telemetry
import TokenBroker

/// Writes what operators are told of tenants as JSON, with every moment as the wall clock reckons it now.
///
/// What is not known is left out. `…_at` is RFC 3339 in UTC, `…_in` whole seconds from now.
struct ExplanationWriter {
    private let now: Timestamp
    private var body: [UInt8] = []

    private init(now: Timestamp) { self.now = now }

    /// One tenant, with its keys and its mints.
    static func whole(_ explanation: Explanation, at now: Timestamp = .now) -> [UInt8] {
        var writer = ExplanationWriter(now: now)
        writer.object { $0.tenant(explanation, isWhole: true) }
        return writer.body
    }

    /// A page of tenants in the short form.
    static func list(_ page: ExplanationPage, at now: Timestamp = .now) -> [UInt8] {
        var writer = ExplanationWriter(now: now)
        writer.object { writer in
            writer.array("tenants", page.explanations) { $0.tenant($1, isWhole: false) }
            if let next = page.next { writer.member("next", next) }
            if let store = page.store { writer.store(store) }
        }
        return writer.body
    }

    // MARK: - What there is

    private mutating func tenant(_ explanation: Explanation, isWhole: Bool) {
        member("tenant", explanation.tenant)
        member("provider", explanation.provider)
        if let key = explanation.keys.first { self.key(key) }
        body.append(member: "budget")
        object { writer in
            writer.member("remaining", explanation.budget.remaining)
            writer.member("burst", explanation.budget.limits.burst)
            let limits = explanation.budget.limits
            writer.member(limits.period == .hour ? "per_hour" : "per_day", limits.rate)
        }
        if let failure = explanation.lastFailure {
            body.append(member: "last_error")
            object { writer in
                writer.moment("at", ago: failure.age)
                writer.member("error", failure.outcome.rawValue)
                writer.member("cause", failure.cause)
            }
        }
        guard isWhole else { return }
        array("keys", explanation.keys) { writer, key in
            writer.member("scope", key.scopes.description)
            writer.key(key)
            writer.array("holders", key.holders) { $0.holder($1, of: key) }
        }
        array("mints", explanation.mints) { $0.mint($1) }
    }

    private mutating func store(_ condition: StoreCondition) {
        let now = now
        body.append(member: "store")
        object { writer in
            writer.member("state", condition.trouble == nil ? "ok" : "degraded")
            if let trouble = condition.trouble {
                writer.member("reason", trouble.reason)
                writer.moment("since", ago: .milliseconds(now.milliseconds - Int(trouble.since) * 1000))
            }
            writer.member("pending", condition.pending)
        }
    }

    private mutating func key(_ key: Explanation.Key) {
        member("state", key.state.rawValue)
        member("suspended", key.isSuspended)
        member("failing", key.isFailing)
        member("minting", key.isMinting)
        if let fingerprint = key.fingerprint { member("fingerprint", fingerprint.text) }
        if let expiresIn = key.expiresIn {
            moment("expires_at", ahead: expiresIn)
            member("expires_in", expiresIn.wholeSeconds)
        }
        if let lifetime = key.lifetime { member("lifetime", lifetime.wholeSeconds) }
        if let refreshIn = key.refreshIn {
            moment("refresh_at", ahead: refreshIn)
            member("refresh_in", refreshIn.wholeSeconds)
        }
        if let retryIn = key.retryIn {
            moment("retry_at", ahead: retryIn)
            member("retry_in", retryIn.wholeSeconds)
        }
    }

    private mutating func holder(_ holder: Explanation.Holder, of key: Explanation.Key) {
        member("caller", holder.caller)
        moment("last_at", ago: holder.age)
        if let expiresIn = key.expiresIn { moment("until", ahead: expiresIn) }
    }

    private mutating func mint(_ mint: Explanation.Mint) {
        moment("at", ago: mint.age)
        member("reason", mint.reason)
        member("outcome", mint.outcome.rawValue)
        member("latency_ms", mint.latency.wholeMilliseconds)
        member("scope", mint.scopes.description)
        if let fingerprint = mint.fingerprint { member("fingerprint", fingerprint.text) }
    }

    // MARK: - JSON

    private mutating func object(_ members: (inout ExplanationWriter) -> Void) {
        body.append(UInt8(ascii: "{"))
        members(&self)
        body.append(UInt8(ascii: "}"))
    }

    private mutating func array<Item>(
        _ name: StaticString, _ items: [Item], _ members: (inout ExplanationWriter, Item) -> Void
    ) {
        body.append(member: name)
        body.append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            object { members(&$0, item) }
        }
        body.append(UInt8(ascii: "]"))
    }

    private mutating func member(_ name: StaticString, _ text: String) {
        body.append(member: name)
        body.append(json: text)
    }

    private mutating func member(_ name: StaticString, _ number: Int) {
        body.append(member: name)
        body.append(decimal: number)
    }

    private mutating func member(_ name: StaticString, _ boolean: Bool) {
        body.append(member: name)
        body.append(contentsOf: (boolean ? "true" : "false").utf8)
    }

    private mutating func moment(_ name: StaticString, ahead distance: Duration) {
        member(name, Timestamp(milliseconds: now.milliseconds + distance.wholeMilliseconds).description)
    }

    private mutating func moment(_ name: StaticString, ago distance: Duration) {
        member(name, Timestamp(milliseconds: now.milliseconds - distance.wholeMilliseconds).description)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
