/// How long a server is left alone to which there is no connection: 50 ms, twice that after each further failure, at most
/// 500 ms; of that between half and all, so that those who lost it together do not come back together.
struct ReconnectDelay {
    private var ceiling = Duration.milliseconds(50)

    /// - Parameter draw: 0 ..< 1.
    mutating func next(draw: Double) -> Duration {
        defer { ceiling = min(ceiling * 2, .milliseconds(500)) }
        return ceiling * (0.5 + draw / 2)
    }
}
