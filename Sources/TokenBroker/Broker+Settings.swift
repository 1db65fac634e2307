extension Broker {
    /// The broker's time limits, and where its chance comes from.
    package struct Settings: Sendable {
        /// How long a caller waits for a token, from its arrival.
        package var callerDeadline: Duration
        /// Total for one mint.
        package var upstreamTimeout: Duration
        /// Total for one mint while a usable token is in hand.
        package var upstreamTimeoutWithFallback: Duration
        /// Total for one revocation.
        package var revocationTimeout: Duration
        /// How many scope sets of one tenant are remembered; beyond, the one asked for longest ago is forgotten.
        package var maximumKeysPerTenant: Int
        /// 0 ..< 1, for refresh points and back-off.
        package var random: @Sendable () -> Double

        package init(
            callerDeadline: Duration = .seconds(5), upstreamTimeout: Duration = .seconds(10),
            upstreamTimeoutWithFallback: Duration = .seconds(5), revocationTimeout: Duration = .seconds(5),
            maximumKeysPerTenant: Int = 64, random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
        ) {
            self.callerDeadline = callerDeadline
            self.upstreamTimeout = upstreamTimeout
            self.upstreamTimeoutWithFallback = upstreamTimeoutWithFallback
            self.revocationTimeout = revocationTimeout
            self.maximumKeysPerTenant = maximumKeysPerTenant
            self.random = random
        }
    }
}
