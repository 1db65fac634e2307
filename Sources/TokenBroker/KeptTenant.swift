/// What a store keeps of a tenant besides its tokens: its mint log, and what stands in the way of mints.
struct KeptTenant {
    private static let version: UInt8 = 1
    // Of the last change; every mint is one.
    private static let life = Duration.seconds(400 * 86_400)

    /// Of the tenant whose requests the upstream refuses: it may not refuse those of a changed one.
    let identity: [UInt8]
    /// The fingerprints of the credential's secrets, for the same reason.
    let secrets: [Fingerprint]
    /// Of the keys that the upstream refuses, and for how long it has.
    let suspended: [(scopes: ScopeSet, age: Duration)]
    /// Of the keys that wait after a failure: for how long yet, after which, and for how long they have.
    let backOffs: [(scopes: ScopeSet, delay: Duration, failure: MintFailure, age: Duration)]
    /// How long ago all that the upstream had refused was forgotten; nil when it never was.
    let liftedAgo: Duration?
    let history: KeptHistory
    let moment: Moment

    init(
        identity: TenantIdentity, secrets: [Fingerprint], slots: SlotTable, history: MintHistory,
        lifted: Instant?, by clock: WallClock, at now: Instant
    ) {
        self.identity = identity.digest.bytes
        self.secrets = secrets
        let age = { (slot: Slot) in slot.judged.map { now - $0 } ?? .zero }
        suspended = slots.all.filter { $0.slot.obstacle == .suspended }.map { ($0.key.scopes, age($0.slot)) }
        backOffs = slots.all.compactMap { key, slot in
            // That another broker is to mint is no verdict.
            guard case .backOff(let until, let failure) = slot.obstacle, until > now, failure != .elsewhere else {
                return nil
            }
            return (key.scopes, until - now, failure, age(slot))
        }
        liftedAgo = lifted.map { now - $0 }
        self.history = KeptHistory(history, at: now)
        moment = clock.moment(of: now)
    }

    init(_ bytes: [UInt8]) throws(BinaryReader.Malformed) {
        var reader = BinaryReader(bytes)
        try reader.version(Self.version)
        identity = try reader.bytes()
        secrets = try reader.list { reader throws(BinaryReader.Malformed) in Fingerprint(number: try reader.unsigned())
        }
        suspended = try reader.list { reader throws(BinaryReader.Malformed) in
            (try reader.scopes(), try reader.duration())
        }
        backOffs = try reader.list { reader throws(BinaryReader.Malformed) in
            (try reader.scopes(), try reader.duration(), try reader.failure(), try reader.duration())
        }
        liftedAgo = try reader.optional { reader throws(BinaryReader.Malformed) in try reader.duration() }
        history = try KeptHistory(&reader)
        moment = try reader.moment()
        try reader.end()
    }

    private var bytes: [UInt8] {
        var writer = BinaryWriter()
        writer.append(Self.version)
        writer.append(identity)
        writer.append(secrets) { $0.append($1.number) }
        writer.append(suspended) { writer, one in
            writer.append(one.scopes)
            writer.append(one.age)
        }
        writer.append(backOffs) { writer, backOff in
            writer.append(backOff.scopes)
            writer.append(backOff.delay)
            writer.append(backOff.failure)
            writer.append(backOff.age)
        }
        writer.append(liftedAgo) { $0.append($1) }
        history.write(to: &writer)
        writer.append(moment)
        return writer.bytes
    }

    func record(of tenant: String) -> Record {
        Record(Record.ID(.tenant, tenant: tenant), end: moment.end(after: Self.life), payload: bytes)
    }
}

/// A mint log, and the last failure.
struct KeptHistory {
    // In the order of their numbers: what is added comes last.
    private static let reasons: [Departure.Reason] = [.cold, .ahead, .rejected, .operator, .secretChanged]
    private static let outcomes: [MintOutcome] = [.ok, .rejected, .throttled, .unavailable, .timeout]

    /// The oldest first; `sent` counts from when this was written, and is negative.
    let mints: [MintHistory.Record]
    let lastFailure: (failure: MintFailure, age: Duration)?

    init(_ history: MintHistory, at now: Instant) {
        mints = history.mints(before: now)
        lastFailure = history.lastFailure.map { ($0.failure, now - $0.at) }
    }

    init(_ reader: inout BinaryReader) throws(BinaryReader.Malformed) {
        // Nearly all mints are of one set of scopes.
        let scopes = try reader.list { reader throws(BinaryReader.Malformed) in try reader.scopes() }
        mints = try reader.list { reader throws(BinaryReader.Malformed) in
            MintHistory.Record(
                sent: try reader.duration().milliseconds,
                milliseconds: UInt32(truncatingIfNeeded: try reader.unsigned()),
                reason: try reader.one(of: Self.reasons), outcome: try reader.one(of: Self.outcomes),
                scopes: try reader.one(of: scopes), fingerprint: try reader.unsigned())
        }
        lastFailure = try reader.optional { reader throws(BinaryReader.Malformed) in
            (try reader.failure(), try reader.duration())
        }
    }

    func write(to writer: inout BinaryWriter) {
        var scopes: [ScopeSet] = []
        for mint in mints where !scopes.contains(mint.scopes) { scopes.append(mint.scopes) }
        writer.append(scopes) { $0.append($1) }
        writer.append(mints) { [scopes] writer, mint in
            writer.append(mint.sent)
            writer.append(UInt64(mint.milliseconds))
            writer.append(mint.reason, of: Self.reasons)
            writer.append(mint.outcome, of: Self.outcomes)
            writer.append(mint.scopes, of: scopes)
            writer.append(mint.fingerprint)
        }
        writer.append(lastFailure) { writer, last in
            writer.append(last.failure)
            writer.append(last.age)
        }
    }
}
