/// A tenant's last mints and its last failure.
///
/// Every tenant has one, so that it takes memory as mints come: 32 bytes for each of the last 50.
struct MintHistory {
    /// One mint, as small as can be.
    struct Record {
        /// When the request was sent, since the history began.
        let sent: Int64
        let milliseconds: UInt32
        let reason: Departure.Reason
        let outcome: MintOutcome
        let scopes: ScopeSet
        /// 0 when there was no token.
        let fingerprint: UInt64

        /// Whether it is the same mint, by another broker's clock perhaps.
        fileprivate func isSame(as other: Record) -> Bool {
            milliseconds == other.milliseconds && fingerprint == other.fingerprint && reason == other.reason
                && abs(sent - other.sent) < 2000
        }

        /// The same as seen from another beginning.
        fileprivate func moved(by milliseconds: Int64) -> Record {
            Record(
                sent: sent + milliseconds, milliseconds: self.milliseconds, reason: reason, outcome: outcome,
                scopes: scopes, fingerprint: fingerprint)
        }
    }

    static let maximumRecords = 50

    private(set) var lastFailure: (failure: MintFailure, at: Instant)?
    private var beginning: Instant
    private var records: [Record] = []
    /// Where the next one goes once there are as many as there may be.
    private var next = 0

    init(at now: Instant) { beginning = now }

    /// Notes why no mint can succeed.
    mutating func note(_ failure: MintFailure, at now: Instant) { lastFailure = (failure, now) }

    /// Notes what came of a departure.
    mutating func note(
        _ departure: Departure, sent: Instant, _ result: Result<AccessToken, MintFailure>, at now: Instant
    ) {
        if case .failure(let failure) = result { note(failure, at: now) }
        let record = Record(
            sent: (sent - beginning).milliseconds,
            milliseconds: UInt32(clamping: (now - sent).milliseconds), reason: departure.reason,
            outcome: result.outcome, scopes: departure.key.scopes,
            fingerprint: (try? result.get()).map(\.fingerprint.number) ?? 0)
        if records.count < Self.maximumRecords {
            reserve()
            records.append(record)
        } else {
            records[next] = record
            next = (next + 1) % Self.maximumRecords
        }
    }

    /// As it was before a restart.
    ///
    /// - Parameter moment: When that was written.
    init(_ kept: KeptHistory, from moment: Instant) {
        beginning = moment
        records = kept.mints.suffix(Self.maximumRecords)
        lastFailure = kept.lastFailure.map { ($0.failure, moment - $0.age) }
    }

    /// Takes up what another broker knows of the same tenant: of each mint there is one record.
    mutating func merge(_ other: MintHistory) {
        let shift = (other.beginning - beginning).milliseconds
        let added = other.records.map { $0.moved(by: shift) }.filter { record in
            !records.contains { $0.isSame(as: record) }
        }
        if !added.isEmpty {
            let all = (records[next...] + records[..<next] + added).sorted { $0.sent < $1.sent }
            (records, next) = (all.suffix(Self.maximumRecords), 0)
        }
        if let failure = other.lastFailure, failure.at > lastFailure?.at ?? beginning { lastFailure = failure }
    }

    /// The oldest first, sent since `now`: before it.
    func mints(before now: Instant) -> [Record] {
        let age = (now - beginning).milliseconds
        return (records[next...] + records[..<next]).map { $0.moved(by: -age) }
    }

    /// The latest first.
    func explained(at now: Instant) -> [Explanation.Mint] {
        (records[next...] + records[..<next]).reversed().map { record in
            let sent = beginning + .milliseconds(record.sent)
            return Explanation.Mint(
                age: now - sent, reason: record.reason.rawValue, outcome: record.outcome,
                latency: .milliseconds(record.milliseconds), scopes: record.scopes,
                fingerprint: record.outcome == .ok ? Fingerprint(number: record.fingerprint) : nil)
        }
    }

    /// Doubles the room, but not beyond what is ever needed.
    private mutating func reserve() {
        guard records.count == records.capacity else { return }
        records.reserveCapacity(min(max(4, records.count * 2), Self.maximumRecords))
    }
}
