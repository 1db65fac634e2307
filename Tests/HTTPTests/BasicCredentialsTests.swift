import Foundation
import Testing

@testable import HTTP

struct BasicCredentialsTests {
    @Test(arguments: [
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"), ("bAsIc YTpi", "a", "b"),
        ("Basic YTo=", "a", ""),
        ("Basic OmI=", "", "b"), ("Basic YTpiOmM=", "a", "b:c"), ("Basic w6k6w6k=", "é", "é"),
    ])
    func `is read`(field: String, user: String, password: String) {
        #expect(BasicCredentials(field: field) == BasicCredentials(user: user, password: password))
    }

    @Test(arguments: [
        "", "Basic", "Basic ", "Bearer YTpi", "BasicYTpi", "Basic  YTpi", "Basic YTpi ", "Basic YQ==",
        "Basic YTp", "Basic Y_pi", "Basic YTr/", "Basic YToK", "Basic AGE6Yg==", "Basic YTp/", "Basic YTpi,YTpi",
    ])
    func `is refused`(field: String) {
        #expect(BasicCredentials(field: field) == nil)
    }

    /// The mark would join the colon to one character.
    @Test(arguments: ["\u{301}secret", "secret:\u{301}:", "+/=%"])
    func `is read as it was written`(password: String) throws {
        let credentials = BasicCredentials(user: "a", password: password)
        let read = try #require(BasicCredentials(field: credentials.field))
        #expect(Array(read.user.utf8) == Array("a".utf8))
        #expect(Array(read.password.utf8) == Array(password.utf8))
    }
}
