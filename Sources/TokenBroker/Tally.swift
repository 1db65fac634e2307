import Synchronization
import Telemetry

/// What happened to one tenant, counted by labels: its series go when it goes, as no registry knows them.
struct Tally: ~Copyable, Sendable {
    private let counts = Mutex<[(labels: Labels, count: Int)]>([])

    /// Counts one; there are few labels, and they come rarely.
    func count(_ labels: [(name: String, value: String)]) {
        let labels = Labels(labels)
        counts.withLock { counts in
            guard let index = counts.firstIndex(where: { $0.labels == labels }) else {
                return counts.append((labels, 1))
            }
            counts[index].count += 1
        }
    }

    /// In the order in which they first came.
    var all: [(labels: Labels, count: Int)] { counts.withLock(\.self) }
}
