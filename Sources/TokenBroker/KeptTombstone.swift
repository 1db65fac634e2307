/// That a token is revoked or rejected, as a store keeps it.
struct KeptTombstone {
    private static let version: UInt8 = 1
    // In the order of their numbers: what is added comes last.
    private static let stages: [Stage] = [.none, .local, .pending, .upstream]

    private enum Stage { case none, local, pending, upstream }

    /// Whose token it was, see ``KeptCredential/client``: nobody else may be told to revoke it.
    let client: [UInt8]
    let fingerprint: Fingerprint
    /// What remains to be revoked; nil when nothing does.
    let token: Secret?
    let mintedWith: Fingerprint
    let isRejected: Bool
    private let stage: Stage
    /// When this was written: the next two count from then.
    let moment: Moment
    let endsIn: Duration
    private let nextTryIn: Duration

    init(
        _ fingerprint: Fingerprint, _ issued: IssuedTokens.Issued, of client: [UInt8], by clock: WallClock,
        at now: Instant
    ) {
        self.client = issued.isForeign ? [] : client
        self.fingerprint = fingerprint
        mintedWith = issued.mintedWith
        isRejected = issued.isRejected
        moment = clock.moment(of: now)
        endsIn = issued.end - now
        switch issued.revocation {
        case .none: (stage, nextTryIn, token) = (.none, .zero, issued.token)
        case .local: (stage, nextTryIn, token) = (.local, .zero, nil)
        case .pending(let nextTry): (stage, nextTryIn, token) = (.pending, nextTry - now, issued.token)
        case .upstream: (stage, nextTryIn, token) = (.upstream, .zero, nil)
        }
    }

    init(_ bytes: [UInt8]) throws(BinaryReader.Malformed) {
        var reader = BinaryReader(bytes)
        try reader.version(Self.version)
        client = try reader.bytes()
        fingerprint = Fingerprint(number: try reader.unsigned())
        token = try reader.optional { reader throws(BinaryReader.Malformed) in Secret(try reader.text()) }
        mintedWith = Fingerprint(number: try reader.unsigned())
        isRejected = try reader.flag()
        stage = try reader.one(of: Self.stages)
        moment = try reader.moment()
        endsIn = try reader.duration()
        nextTryIn = try reader.duration()
        try reader.end()
    }

    private var bytes: [UInt8] {
        var writer = BinaryWriter()
        writer.append(Self.version)
        writer.append(client)
        writer.append(fingerprint.number)
        writer.append(token) { $0.append($1.reveal()) }
        writer.append(mintedWith.number)
        writer.append(isRejected)
        writer.append(stage, of: Self.stages)
        writer.append(moment)
        writer.append(endsIn)
        writer.append(nextTryIn)
        return writer.bytes
    }

    /// - Parameter now: What counts as the moment.
    func revocation(at now: Instant) -> IssuedTokens.Revocation {
        switch stage {
        case .none: .none
        case .local: .local
        case .pending: .pending(nextTry: now + nextTryIn)
        case .upstream: .upstream
        }
    }

    func record(of tenant: String) -> Record {
        var name = BinaryWriter()
        name.append(fingerprint.number)
        return Record(
            Record.ID(.tombstone, tenant: tenant, name: name.bytes), end: moment.end(after: endsIn), payload: bytes)
    }
}
