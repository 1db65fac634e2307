import Testing
import TokenBroker

struct SecretTests {
    @Test func `a secret prints as something else, however it is printed`() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(Credential(id: "id", secret: secret), to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\([secret])", dumped] {
            #expect(!text.contains("hunter2"))
        }
        #expect("\(secret)" == "<secret>")
        #expect(secret.reveal() == "hunter2")
    }
}
