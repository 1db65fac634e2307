import HTTP
import Testing

@testable import VendorSimulator

struct SimulatedVendorTests {
    @Test(arguments: [
        (
            SimulatedVendor.pageup,
            Request.post(
                "/connect/token",
                "grant_type=client_credentials&client_id=acme-integration&client_secret=x"
                    + "&scope=Public.Application.Read+Public.Application.Write")
        ),
        (
            SimulatedVendor.ukg,
            Request.post(
                "/api/v2/client/tokens", "grant_type=client_credentials&scope=client&client_id=globex", basic: "app-1:x"
            )
        ),
    ])
    func `a sample client gets a token of the lifetime it was told`(
        _ vendor: SimulatedVendor, _ request: Request
    ) async throws {
        let handler = vendor.handler(
            clients: [vendor.client(secret: "x")], lifetime: .seconds(42), ban: vendor.ban)
        #expect(try await handler(request).tokenAnswer().expires_in == 42)
    }

    @Test func `a client may be named and given permissions of its own`() async throws {
        let client = SimulatedVendor.ukg.client(id: "a", secret: "s", permissions: ["c"])
        let handler = SimulatedVendor.ukg.handler(clients: [client], lifetime: SimulatedVendor.ukg.lifetime, ban: nil)
        let form = "grant_type=client_credentials&scope=client&client_id="
        #expect(await handler(.post("/api/v2/client/tokens", form + "c", basic: "a:s")).status == .ok)
        #expect(await handler(.post("/api/v2/client/tokens", form + "globex", basic: "a:s")).status == .badRequest)
    }

    @Test func `a client's secret is in none of its descriptions`() {
        let client = SimulatedVendor.pageup.client(id: "acme", secret: "hidden")
        var dumped = ""
        dump(client, to: &dumped)
        for text in ["\(client)", String(reflecting: client), dumped] {
            #expect(text.contains("acme"))
            #expect(!text.contains("hidden"))
        }
    }

    @Test func `a ban policy keeps its number in bounds`() {
        func mints(_ number: Int) -> Int {
            BanPolicy(mints: number, window: .seconds(1), duration: .seconds(1), expiresTokens: false).mints
        }
        #expect([mints(.min), mints(0), mints(1), mints(10_000), mints(.max)] == [1, 1, 1, 10_000, 10_000])
    }
}
