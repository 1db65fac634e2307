/// What a broker needs to go on after a restart where it was before.
package struct Persistence: Sendable {
    package var store: any TokenStore
    package var clock: WallClock
    /// The brokers that have the same store; nil when no other can.
    package var replicas: (any Replicas)?

    package init(store: any TokenStore, clock: WallClock, replicas: (any Replicas)? = nil) {
        self.store = store
        self.clock = clock
        self.replicas = replicas
    }
}
