import Testing

@testable import Redis

struct ReconnectDelayTests {
    @Test func `a pause grows to half a second, half of it by chance`() {
        var (least, most) = (ReconnectDelay(), ReconnectDelay())
        #expect(
            (0..<9).map { _ in least.next(draw: 0) / .milliseconds(1) } == [
                25, 50, 100, 200, 250, 250, 250, 250, 250,
            ])
        #expect((0..<3).map { _ in most.next(draw: 1) / .milliseconds(1) } == [50, 100, 200])
    }
}
