import Glibc
import Support
import Synchronization
import Testing

@testable import Sockets

struct EventLoopTests {
    @Test func `jobs run in the order in which they came`() async throws {
        let order = Log()
        try await TestLoops.run { loop in
            let tasks = (0..<100).map { number in
                Task(executorPreference: loop) { order.note(number) }
            }
            for task in tasks { await task.value }
        }
        #expect(order.entries == Array(0..<100))
    }

    @Test func `jobs from many threads all run, on the loop's thread alone`() async throws {
        let group = try TestLoops.group
        let places = Log()
        await withTaskGroup(of: Void.self) { tasks in
            for number in 0..<2000 {
                let loop = group.loops[number % group.loops.count]
                tasks.addTask(executorPreference: loop) {
                    places.note(loop.isCurrent ? 1 : 0)
                    await Task.yield()
                    places.note(loop.isCurrent ? 1 : 0)
                }
            }
        }
        #expect(places.entries == Array(repeating: 1, count: 4000))
        #expect(group.current == nil)
    }

    @Test func `sleepers wake in order, and not before their time`() async throws {
        let order = Log()
        let start = ContinuousClock.now
        try await TestLoops.run { loop in
            let tasks = [30, 10, 20].map { milliseconds in
                Task(executorPreference: loop) {
                    let end = start.advanced(by: .milliseconds(milliseconds))
                    await loop.sleep(until: end)
                    order.note(ContinuousClock.now >= end ? milliseconds : -milliseconds)
                }
            }
            for task in tasks { await task.value }
        }
        #expect(order.entries == [10, 20, 30])
    }

    @Test func `any thread may sleep on a loop`() async throws {
        let end = ContinuousClock.Instant.soon
        try await TestLoops.group.any.sleep(until: end)
        #expect(ContinuousClock.now >= end)
    }

    @Test func `a wait ends when there is something to read`() async throws {
        try await withPair { loop, pair in
            let registration = try loop.register(pair.client)
            defer { loop.forget(registration) }
            let peer = pair.server
            Task(executorPreference: loop) { send(peer, "x", 1, 0) }
            #expect(await loop.wait(registration, for: .read, by: .generous) == .ready)
        }
    }

    @Test func `a wait ends when the peer finishes`() async throws {
        try await withPair { loop, pair in
            let registration = try loop.register(pair.client)
            defer { loop.forget(registration) }
            let peer = pair.server
            Task(executorPreference: loop) { shutdown(peer, Int32(SHUT_WR)) }
            #expect(await loop.wait(registration, for: .read, by: .generous) == .ready)
            #expect(registration.mayRead)
            registration.drained()
            #expect(registration.mayRead, "no further edge will tell of the end")
        }
    }

    @Test func `a wait ends at its deadline, also at one that comes before an earlier wait's`() async throws {
        try await withPair { loop, pair in
            let registration = try loop.register(pair.client)
            defer { loop.forget(registration) }
            #expect(await loop.wait(registration, for: .write, by: .generous) == .ready)
            for _ in 0..<3 {
                let deadline = ContinuousClock.Instant.soon
                #expect(await loop.wait(registration, for: .read, by: deadline) == .timedOut)
                #expect(ContinuousClock.now >= deadline)
            }
            #expect(await loop.wait(registration, for: .read, by: .now) == .timedOut)
        }
    }

    @Test func `descriptors that are closed leave no deadlines behind`() async throws {
        // Nobody else's, since all its deadlines are counted.
        let loop = try EventLoop()
        try await Task(executorPreference: loop) {
            for _ in 0..<1000 {
                let pair = try SocketPair()
                let registration = try loop.register(pair.client)
                #expect(await loop.wait(registration, for: .write, by: .generous) == .ready)
                loop.forget(registration)
            }
            #expect(loop.deadlineCount <= 65)
        }.value
    }

    @Test func `an interruption ends the waits that allow it, and no others`() async throws {
        // Nobody else's, since all its waits are interrupted.
        let loop = try EventLoop()
        try await Task(executorPreference: loop) {
            let pair = try SocketPair()
            let patient = try loop.register(pair.client)
            let interruptible = try loop.register(pair.server)
            defer {
                loop.forget(patient)
                loop.forget(interruptible)
            }
            loop.interrupt()
            #expect(await loop.wait(interruptible, for: .read, by: .generous, isInterruptible: true) == .interrupted)
            loop.interrupt()
            #expect(await loop.wait(patient, for: .read, by: .soon) == .timedOut)
        }.value
    }

    /// The duplicate keeps the closed descriptor's entry in the epoll set alive, so that its events still come.
    @Test func `an event of a descriptor that was closed does not reach the next one of that number`() async throws {
        try await TestLoops.run { loop in
            var ends: [Int32] = [-1, -1]
            let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
            try #require(socketpair(AF_UNIX, Int32(type), 0, &ends) == 0)
            let duplicate = dup(ends[0])
            let former = try loop.register(ends[0])
            loop.forget(former)
            let link = try SocketPair()
            // Closes and takes the number over in one call: no other test can get hold of it between.
            try #require(dup2(link.client, ends[0]) == ends[0])
            let latter = try loop.register(ends[0])
            defer {
                loop.forget(latter)
                for descriptor in [ends[0], ends[1], duplicate] { close(descriptor) }
            }
            latter.drained()
            send(ends[1], "x", 1, 0)
            #expect(await loop.wait(latter, for: .read, by: .soon) == .timedOut)
            #expect(!latter.mayRead)
        }
    }

    @Test func `a signal to the thread disturbs nothing`() async throws {
        signal(SIGURG) { _ in }
        let thread = try await TestLoops.run { _ in pthread_self() }
        let deadline = ContinuousClock.Instant.soon
        let loops = try TestLoops.group.loops
        async let slept: Void = loops[0].sleep(until: deadline)
        for _ in 0..<100 { pthread_kill(thread, SIGURG) }
        await slept
        #expect(ContinuousClock.now >= deadline)
    }

    @Test func `a group takes turns, and keeps a caller on its loop`() async throws {
        let group = try TestLoops.group
        let turns = Set((0..<4).map { _ in ObjectIdentifier(group.any) })
        #expect(turns.count == group.loops.count)
        for loop in group.loops {
            let stays = await Task(executorPreference: loop) { group.any === loop && group.current === loop }.value
            #expect(stays)
        }
    }

    private func withPair(_ body: @escaping @Sendable (EventLoop, borrowing SocketPair) async throws -> Void)
        async throws
    {
        try await TestLoops.run { loop in
            let pair = try SocketPair()
            try await body(loop, pair)
        }
    }
}

/// Notes numbers from any thread.
final class Log: Sendable {
    private let numbers = Mutex<[Int]>([])
    var entries: [Int] { numbers.withLock { $0 } }
    func note(_ number: Int) { numbers.withLock { $0.append(number) } }
}
