import Testing

@testable import Redis

struct ReconnectDelayTests {
    @Test func `a pause grows to five seconds, half of it by chance`() {
        var (least, most) = (ReconnectDelay(), ReconnectDelay())
        #expect(
            (0..<9).map { _ in least.next(draw: 0) / .milliseconds(1) } == [
                25, 50, 100, 200, 400, 800, 1600, 2500, 2500,
            ])
        #expect((0..<3).map { _ in most.next(draw: 1) / .milliseconds(1) } == [50, 100, 200])
    }
}
