import TokenBroker

/// Has the configuration read again when one of its files is another: looks every five seconds.
///
/// What is being written is left alone: files are read once they have been the same for a second. Files rather than inotify,
/// for the reason that ``CertificateWatch`` gives.
final class ConfigurationWatch: Sendable {
    private static let interval = Duration.seconds(5)
    private static let pause = Duration.seconds(1)

    private let reloader: Reloader
    private let timekeeper: any Timekeeper

    init(_ reloader: Reloader, timekeeper: any Timekeeper) {
        self.reloader = reloader
        self.timekeeper = timekeeper
    }

    /// Looks for changes until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await timekeeper.sleep(until: timekeeper.now + Self.interval)
            if !Task.isCancelled { await look() }
        }
    }

    /// Reads what has changed since it was read last.
    func look() async {
        guard let known = reloader.files else { return }
        var seen = known.current
        while seen != known, !Task.isCancelled {
            await timekeeper.sleep(until: timekeeper.now + Self.pause)
            let now = known.current
            if now == seen { return await reloader.reloadFiles() }
            seen = now
        }
    }
}
