#pragma once
// OpenSSL, and inline functions for those of its macros that Swift cannot import.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static const uint64_t tokenwell_SSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;
static const uint64_t tokenwell_SSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;

static inline int tokenwell_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline void tokenwell_SSL_CTX_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }
static inline void tokenwell_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}
static inline int tokenwell_SSL_set_tlsext_host_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}
static inline int tokenwell_ERR_SYSTEM_ERROR(unsigned long error) { return ERR_SYSTEM_ERROR(error); }
