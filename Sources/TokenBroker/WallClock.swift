/// Relates instants to what outlives the process: the time of day, and the machine's uptime.
package struct WallClock: Sendable {
    /// Tells this boot of this machine from every other; 0 when that is not known.
    private let boot: UInt64
    /// How far another machine's clock may be ahead of this one's. What it wrote is taken for that much younger at most.
    let tolerance: Duration
    private let timeOfDay: @Sendable () -> Int64
    private let uptime: @Sendable (ContinuousClock.Instant) -> Int64

    /// - Parameters:
    ///   - tolerance: How far another machine's clock may be ahead.
    ///   - timeOfDay: Now, in milliseconds since 1970.
    ///   - uptime: At an instant, in milliseconds of a clock that runs through suspend and that nobody can set.
    package init(
        boot: UInt64, tolerance: Duration = .zero, timeOfDay: @escaping @Sendable () -> Int64,
        uptime: @escaping @Sendable (ContinuousClock.Instant) -> Int64
    ) {
        self.boot = boot
        self.tolerance = tolerance
        self.timeOfDay = timeOfDay
        self.uptime = uptime
    }

    /// In milliseconds since 1970.
    var now: Int64 { timeOfDay() }

    func moment(of now: Instant) -> Moment { Moment(boot: boot, uptime: uptime(now), timeOfDay: timeOfDay()) }

    func isOfThisBoot(_ moment: Moment) -> Bool { isOfThisBoot(moment.boot) }

    func isOfThisBoot(_ other: UInt64) -> Bool { boot != 0 && other == boot }

    /// How long ago a moment was.
    ///
    /// Within one boot the uptime counts, which no step of the wall clock moves. After a boot, or on another machine, there
    /// is only the time of day.
    ///
    /// - Returns: nil when it is yet to come by the only clock there is, which is then of no use.
    func age(of moment: Moment, at now: Instant) -> Duration? {
        if isOfThisBoot(moment) {
            let age = uptime(now) - moment.uptime
            return age < 0 ? nil : .milliseconds(age)
        }
        let age = Duration.milliseconds(timeOfDay() - moment.timeOfDay)
        return age < .zero - tolerance ? nil : max(.zero, age)
    }
}

/// An instant as another process can read it.
struct Moment: Hashable {
    let boot: UInt64
    /// In milliseconds.
    let uptime: Int64
    /// In milliseconds since 1970.
    let timeOfDay: Int64

    /// In seconds since 1970, rounded up.
    func end(after duration: Duration) -> Int64 { (timeOfDay + duration.milliseconds) / 1000 + 1 }
}

extension BinaryWriter {
    mutating func append(_ moment: Moment) {
        append(moment.boot)
        append(moment.uptime)
        append(moment.timeOfDay)
    }
}

extension BinaryReader {
    mutating func moment() throws(Malformed) -> Moment {
        let (boot, uptime, timeOfDay) = (try unsigned(), try signed(), try signed())
        // Far beyond any time, and far from an overflow.
        guard (0..<1 << 50).contains(uptime), (0..<1 << 50).contains(timeOfDay) else { throw Malformed() }
        return Moment(boot: boot, uptime: uptime, timeOfDay: timeOfDay)
    }
}
