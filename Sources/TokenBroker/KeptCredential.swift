/// What a store keeps of a credential: what is left of its budget, and whether the upstream takes it.
struct KeptCredential {
    private static let version: UInt8 = 2
    // In the order of their numbers: what is added comes last.
    private static let periods: [MintBudget.Limits.Period] = [.hour, .day]
    // Of the last change; every mint is one.
    private static let life = Duration.seconds(400 * 86_400)

    /// Who it is, whatever proves it: the next secret has the same budget.
    let client: [UInt8]
    /// The fingerprints of its secrets: what the upstream thinks of them says nothing of others.
    let secrets: [Fingerprint]
    let standing: CredentialStanding
    /// For how long that has been so; nil when the upstream has never said otherwise.
    let judgedAgo: Duration?
    /// When this was written.
    let moment: Moment
    /// How long the budget takes from then until it is full.
    let debt: Duration
    /// The budget's.
    let limits: MintBudget.Limits

    init(
        client: [UInt8], secrets: [Fingerprint], standing: CredentialStanding, judged: Instant?, debt: Duration,
        limits: MintBudget.Limits, by clock: WallClock, at now: Instant
    ) {
        self.client = client
        self.secrets = secrets
        self.standing = standing
        judgedAgo = judged.map { now - $0 }
        self.debt = debt
        self.limits = limits
        moment = clock.moment(of: now)
    }

    init(_ bytes: [UInt8]) throws(BinaryReader.Malformed) {
        var reader = BinaryReader(bytes)
        try reader.version(Self.version)
        client = try reader.bytes()
        secrets = try reader.list { reader throws(BinaryReader.Malformed) in Fingerprint(number: try reader.unsigned())
        }
        let places = Array(secrets.indices)
        standing = CredentialStanding(
            secrets: secrets.count, secret: try reader.one(of: places), winner: try reader.one(of: places),
            suspension: try reader.optional { reader throws(BinaryReader.Malformed) in try reader.failure() })
        judgedAgo = try reader.optional { reader throws(BinaryReader.Malformed) in try reader.duration() }
        moment = try reader.moment()
        debt = try reader.duration()
        let (burst, rate) = (try reader.signed(), try reader.signed())
        guard burst >= 1, rate >= 1 else { throw BinaryReader.Malformed() }
        limits = MintBudget.Limits(burst: Int(burst), rate: Int(rate), per: try reader.one(of: Self.periods))
        try reader.end()
    }

    private var bytes: [UInt8] {
        var writer = BinaryWriter()
        let places = Array(secrets.indices)
        writer.append(Self.version)
        writer.append(client)
        writer.append(secrets) { $0.append($1.number) }
        writer.append(standing.secret, of: places)
        writer.append(standing.winner, of: places)
        writer.append(standing.suspension) { $0.append($1) }
        writer.append(judgedAgo) { $0.append($1) }
        writer.append(moment)
        writer.append(debt)
        writer.append(limits.burst)
        writer.append(limits.rate)
        writer.append(limits.period, of: Self.periods)
        return writer.bytes
    }

    func record(named name: [UInt8]) -> Record {
        Record(Record.ID(.credential, tenant: "", name: name), end: moment.end(after: Self.life), payload: bytes)
    }
}
