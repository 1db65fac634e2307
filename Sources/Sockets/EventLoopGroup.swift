import Glibc
import Synchronization

/// The event loops of a process, one per core.
package final class EventLoopGroup: Sendable {
    package let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// - Parameter count: How many loops; by default one per core that is online.
    package init(count: Int = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) throws(SocketError) {
        var loops: [EventLoop] = []
        for _ in 0..<count { loops.append(try EventLoop()) }
        self.loops = loops
    }

    /// The loop that the caller is on; nil on any other thread.
    package var current: EventLoop? { loops.first(where: \.isCurrent) }

    /// The loop that the caller is on, else the next one in turn.
    package var any: EventLoop {
        current ?? loops[(turn.wrappingAdd(1, ordering: .relaxed).oldValue & Int.max) % loops.count]
    }
}
