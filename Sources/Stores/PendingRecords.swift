import TokenBroker

/// The records that a store was given and has not made durable, each in its last version.
struct PendingRecords {
    private var waiting: [Record.ID: Record] = [:]
    /// Those in the commit that is under way.
    private var leaving: [Record.ID: Record] = [:]
    private var waitingSince: ContinuousClock.Instant?
    private var leavingSince: ContinuousClock.Instant?

    var count: Int { waiting.count + leaving.count }
    var isEmpty: Bool { count == 0 }
    /// Whether the next commit, and not only the one that is under way, has something to do.
    var isWaiting: Bool { !waiting.isEmpty }

    /// Since when there has been something that is not durable; nil when everything is.
    var oldest: ContinuousClock.Instant? { leavingSince ?? waitingSince }

    /// All of them, each once.
    var all: [Record] { Array(leaving.merging(waiting) { _, later in later }.values) }

    /// Takes records, each in the place of the one with the same id.
    mutating func take(_ records: [Record], at now: ContinuousClock.Instant) {
        if !records.isEmpty { waitingSince = waitingSince ?? now }
        for var record in records {
            // What has ended with the version before has ended.
            if let earlier = waiting[record.id] { record.ended = earlier.ended + record.ended }
            waiting[record.id] = record
        }
    }

    /// Begins a commit, which ends with ``committed()`` or ``failed(obsolete:)``.
    ///
    /// - Returns: All that waited.
    mutating func commit() -> [Record] {
        swap(&waiting, &leaving)
        (leavingSince, waitingSince) = (waitingSince, nil)
        return Array(leaving.values)
    }

    /// What left is durable.
    mutating func committed() { (leaving, leavingSince) = ([:], nil) }

    /// What left waits again, but for what has been replaced meanwhile and what is of no use any more.
    mutating func failed(obsolete: Set<Record.ID>) {
        for (id, record) in leaving where !obsolete.contains(id) {
            if let later = waiting[id] {
                waiting[id]?.ended = record.ended + later.ended
            } else {
                waiting[id] = record
            }
        }
        (waitingSince, leavingSince) = (waiting.isEmpty ? nil : leavingSince ?? waitingSince, nil)
        leaving = [:]
    }

    /// Lets go of everything.
    mutating func drop() { self = PendingRecords() }
}
