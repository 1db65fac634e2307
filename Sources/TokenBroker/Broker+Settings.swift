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
        /// How many tenants' first tokens are minted in a second after a start, before anybody has asked for them; at least 1.
        package var warmUpsPerSecond: Int
        /// How many scope sets of one tenant are remembered; beyond, the one asked for longest ago is forgotten.
        package var maximumKeysPerTenant: Int
        /// 0 ..< 1, for refresh points and back-off.
        package var random: @Sendable () -> Double
        /// Prepares what is the same in every answer that holds a token: called once per token.
        package var render: Render

        /// Told what has happened, at once and by whichever thread: it must not take long.
        package var observe: @Sendable (BrokerEvent) -> Void

        package typealias Render = @Sendable (_ token: MintedToken, _ scopes: ScopeSet) -> (any Rendering)?

        package init(
            callerDeadline: Duration = .seconds(5), upstreamTimeout: Duration = .seconds(10),
            upstreamTimeoutWithFallback: Duration = .seconds(5), revocationTimeout: Duration = .seconds(5),
            warmUpsPerSecond: Int = 50, maximumKeysPerTenant: Int = 64,
            random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
            render: @escaping Render = { _, _ in nil }, observe: @escaping @Sendable (BrokerEvent) -> Void = { _ in }
        ) {
            self.callerDeadline = callerDeadline
            self.upstreamTimeout = upstreamTimeout
            self.upstreamTimeoutWithFallback = upstreamTimeoutWithFallback
            self.revocationTimeout = revocationTimeout
            self.warmUpsPerSecond = warmUpsPerSecond
            self.maximumKeysPerTenant = maximumKeysPerTenant
            self.random = random
            self.render = render
            self.observe = observe
        }
    }
}
