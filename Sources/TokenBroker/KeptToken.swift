import Crypto

/// A token as a store keeps it.
struct KeptToken {
    private static let version: UInt8 = 1

    /// Whose token it is, see ``KeptCredential/client``: nobody else may be told to revoke it.
    let client: [UInt8]
    /// Of the tenant that it was minted for: of no other is it a token.
    let identity: [UInt8]
    /// Those that were asked for.
    let scopes: ScopeSet
    let minted: MintedToken
    /// Those that it has.
    let granted: ScopeSet
    /// The fingerprint of the secret that it was minted with.
    let mintedWith: Fingerprint
    /// The higher it is, the later the token was minted; 0 in a store that one broker has.
    let fence: UInt64
    let lifetime: Duration
    /// When this was written: the next three count from then.
    let moment: Moment
    /// When a caller last asked for it; nil when none has.
    let askedAgo: Duration?
    let refreshIn: Duration
    let expiresIn: Duration

    init(
        _ token: AccessToken, of key: TokenKey, _ client: [UInt8], mintedWith: Fingerprint, fence: UInt64,
        lastAsked: Instant?, by clock: WallClock, at now: Instant
    ) {
        self.client = client
        identity = key.tenant.digest.bytes
        scopes = key.scopes
        minted = MintedToken(token: token.secret, tokenType: token.type, lifetime: nil, members: token.members)
        granted = token.scopes
        self.mintedWith = mintedWith
        self.fence = fence
        lifetime = token.schedule.lifetime
        moment = clock.moment(of: now)
        askedAgo = lastAsked.map { now - $0 }
        refreshIn = token.schedule.refreshPoint - now
        expiresIn = token.schedule.expiry - now
    }

    init(_ bytes: [UInt8]) throws(BinaryReader.Malformed) {
        var reader = BinaryReader(bytes)
        try reader.version(Self.version)
        client = try reader.bytes()
        identity = try reader.bytes()
        scopes = try reader.scopes()
        minted = MintedToken(
            token: Secret(try reader.text()), tokenType: try reader.text(), lifetime: nil,
            members: Dictionary(
                try reader.list { reader throws(BinaryReader.Malformed) in
                    (try reader.text(), Secret(try reader.text()))
                }, uniquingKeysWith: { first, _ in first }))
        granted = try reader.scopes()
        mintedWith = Fingerprint(number: try reader.unsigned())
        fence = try reader.unsigned()
        lifetime = try reader.duration()
        moment = try reader.moment()
        askedAgo = try reader.optional { reader throws(BinaryReader.Malformed) in try reader.duration() }
        refreshIn = try reader.duration()
        expiresIn = try reader.duration()
        try reader.end()
    }

    private var bytes: [UInt8] {
        var writer = BinaryWriter()
        writer.append(Self.version)
        writer.append(client)
        writer.append(identity)
        writer.append(scopes)
        writer.append(minted.token.reveal())
        writer.append(minted.tokenType)
        writer.append(minted.members.sorted { $0.key < $1.key }) { writer, member in
            writer.append(member.key)
            writer.append(member.value.reveal())
        }
        writer.append(granted)
        writer.append(mintedWith.number)
        writer.append(fence)
        writer.append(lifetime)
        writer.append(moment)
        writer.append(askedAgo) { $0.append($1) }
        writer.append(refreshIn)
        writer.append(expiresIn)
        return writer.bytes
    }

    func record(of tenant: String) -> Record {
        Record(
            Self.id(of: Fingerprint(of: minted.token.reveal()), scopes, tenant: tenant),
            end: moment.end(after: expiresIn), payload: bytes)
    }

    /// Told from the tenant's others by its fingerprint and by what was asked for: an upstream may give one for both.
    static func id(of token: Fingerprint, _ scopes: ScopeSet, tenant: String) -> Record.ID {
        var name = BinaryWriter()
        name.append(token.number)
        let digest = Digest256(SHA256.hash(data: Array(scopes.description.utf8)))
        return Record.ID(.token, tenant: tenant, name: name.bytes + digest.bytes.prefix(8))
    }
}
