import Synchronization
import TokenBroker

/// Who has failed to prove itself of late.
///
/// What is beyond the limit is refused differently, and never looked at less: who has a right key is let in whatever others
/// at its address do, such as those behind the same proxy. Keys have 256 bits, so what is to be kept small is not the number
/// of guesses, but the noise, and the signatures that are verified in vain. The lock is taken for failures and new JWTs only.
final class FailedAttempts: Sendable {
    /// Addresses that are remembered; those that failed least recently are forgotten first.
    static let capacity = 10_000
    /// Of an address beyond its limit, signatures that are verified at once and each second.
    static let verifications = 1000

    /// What one address has left.
    private struct Record {
        var failures: Allowance
        var verifications = Allowance(
            burst: FailedAttempts.verifications, interval: .seconds(1) / FailedAttempts.verifications)
    }

    private let limit: Configuration.FailedAttempts
    private let records = Mutex(RecentTable<UInt64, Record>(capacity: capacity))

    init(_ limit: Configuration.FailedAttempts = .init()) { self.limit = limit }

    /// Counts a failure.
    ///
    /// - Parameter network: `SocketAddress.network`, an IPv4 address or 64 bits of IPv6.
    /// - Returns: How long until there may be another one, when there were too many; else nil.
    func add(from network: UInt64, at now: ContinuousClock.Instant) -> Duration? {
        records.withLock { records in
            var record =
                records[network]
                ?? Record(failures: Allowance(burst: limit.burst, interval: .seconds(60) / limit.perMinute))
            defer { records[network] = record }
            return record.failures.take(at: now)
        }
    }

    /// Counts a signature that is to be verified, for an address beyond its limit.
    ///
    /// - Returns: How long until there may be another one, when there were too many; else nil.
    func addVerification(from network: UInt64, at now: ContinuousClock.Instant) -> Duration? {
        records.withLock { records in
            guard var record = records[network], record.failures.wait(at: now) != nil else { return nil }
            defer { records[network] = record }
            return record.verifications.take(at: now)
        }
    }
}
