/// Where what must survive a restart is kept: tokens, budgets, verdicts, tombstones, the mint log.
///
/// A store seals what it is given and knows nothing of what it means. ``Record`` says what there is.
package protocol TokenStore: Sendable {
    /// Takes records, each in the place of the one with the same id; returns at once.
    ///
    /// They become durable in the order in which they came, those of one call together. May be called while locks are
    /// held: it takes none but its own, and calls nobody back.
    func keep(_ records: [Record])

    /// Waits until all that was taken before is durable.
    ///
    /// - Returns: false as soon as it is known that it cannot be made so now. It is tried again all the same.
    func settle() async -> Bool

    var condition: StoreCondition { get }
}

/// Whether a store keeps what it is given.
package struct StoreCondition: Hashable, Sendable {
    /// Why it cannot, and since when in seconds since 1970; nil while it does.
    package struct Trouble: Hashable, Sendable {
        package var reason: String
        package var since: Int64

        package init(reason: String, since: Int64) {
            self.reason = reason
            self.since = since
        }
    }

    package var trouble: Trouble?
    /// Records that are yet to be made durable.
    package var pending: Int

    package init(trouble: Trouble? = nil, pending: Int = 0) {
        self.trouble = trouble
        self.pending = pending
    }
}

/// What a store has kept.
package struct KeptRecords: Sendable {
    package var records: [Record]
    /// The tenants of which a record is there that is not as it was written.
    package var damaged: Set<String>

    package init(_ records: [Record] = [], damaged: Set<String> = []) {
        self.records = records
        self.damaged = damaged
    }
}

/// One thing to be kept.
package struct Record: Hashable, Sendable {
    /// What it is. The numbers are in stores' files: they are never given to another kind.
    package enum Kind: UInt8, Sendable, CaseIterable {
        /// A token that may still be alive at the upstream.
        case token = 1
        /// What the tenants of one credential share: its budget and whether the upstream takes it.
        case credential = 2
        /// The rest of what is known of a tenant: its mint log and the scopes that the upstream refuses.
        case tenant = 3
        /// That a token is revoked or rejected.
        case tombstone = 4
    }

    /// What a record is told from all others by.
    package struct ID: Hashable, Sendable {
        package var kind: Kind
        /// Whose it is; empty for what is no one tenant's.
        package var tenant: String
        /// Which of those it is; 32 bytes at most. It may tell something, and is to be kept as carefully as the payload.
        package var name: [UInt8]

        package init(_ kind: Kind, tenant: String, name: [UInt8] = []) {
            self.kind = kind
            self.tenant = tenant
            self.name = name
        }
    }

    package var id: ID
    /// From when on it is of no use and may be deleted, in seconds since 1970; 0 has it deleted now.
    package var end: Int64
    /// Secret.
    package var payload: [UInt8]
    /// The claims that have ended with it, see ``Replicas``.
    package var ended: [EndedClaim] = []

    package init(_ id: ID, end: Int64, payload: [UInt8]) {
        self.id = id
        self.end = end
        self.payload = payload
    }

    /// What has the record of that id deleted.
    init(deleting id: ID) { self.init(id, end: 0, payload: []) }
}
