import Support
import Testing

@testable import Sockets

struct ListenerTests {
    @Test func `listeners share a port when both ask for it`() throws {
        let first = try Socket.listening(at: .loopback(), isShared: true)
        let address = try first.localAddress()
        let second = try Socket.listening(at: address, isShared: true)
        #expect(try second.localAddress().port == address.port)
    }

    @Test(arguments: [(true, false), (false, true), (false, false)])
    func `a port is not shared unless both ask for it`(first: Bool, second: Bool) throws {
        let listening = try Socket.listening(at: .loopback(), isShared: first)
        let address = try listening.localAddress()
        // 98 is EADDRINUSE.
        #expect(throws: SocketError.system(call: "bind", errno: 98)) {
            _ = try Socket.listening(at: address, isShared: second)
        }
    }

    @Test func `each connection is accepted once, by one of those who share the port`() async throws {
        // Nobody else's, since it is interrupted in the end.
        let loops = try EventLoopGroup(count: 2).loops
        let first = try Socket.listening(at: .loopback(), isShared: true)
        let address = try first.localAddress()
        let descriptors = [first.release(), try Socket.listening(at: address, isShared: true).release()]
        let accepted = zip(loops, descriptors).map { loop, descriptor in
            Task(executorPreference: loop) {
                let listener = try Listener(Socket(adopting: descriptor), on: loop)
                var ports: [UInt16] = []
                do {
                    while true {
                        let (descriptor, peer) = try await listener.accept()
                        _ = Socket(adopting: descriptor)
                        ports.append(peer.port)
                    }
                } catch SocketError.interrupted {
                    return ports
                }
            }
        }
        for _ in 0..<20 { #expect(try RawConnection(port: address.port).receiveToEnd() == "") }
        for loop in loops { loop.interrupt() }
        var ports: [UInt16] = []
        for task in accepted { ports += try await task.value }
        #expect(ports.count == 20)
    }

    @Test func `nothing waiting is nil`() async throws {
        try await TestLoops.run { loop in
            let listener = try Listener(Socket.listening(at: .loopback(), isShared: false), on: loop)
            #expect(try listener.acceptWaiting()?.descriptor == nil)
        }
    }

    @Test func `who waits is turned away, once`() async throws {
        try await TestLoops.run { loop in
            let socket = try Socket.listening(at: .loopback(), isShared: false)
            let port = try socket.localAddress().port
            var listener = try Listener(socket, on: loop)
            #expect(listener.refuseWaiting()?.host == nil)
            for _ in 0..<2 {
                let client = try RawConnection(port: port)
                #expect(listener.refuseWaiting()?.host == "127.0.0.1")
                #expect(listener.refuseWaiting()?.host == nil)
                #expect(try client.receiveToEnd() == "")
            }
        }
    }
}
