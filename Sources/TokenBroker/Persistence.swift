/// What a broker needs to go on after a restart where it was before.
package struct Persistence: Sendable {
    package var store: any TokenStore
    package var clock: WallClock

    package init(store: any TokenStore, clock: WallClock) {
        self.store = store
        self.clock = clock
    }
}
