#pragma once
// OpenSSL, and inline functions for those of its macros that Swift cannot import.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static const uint64_t tokenwell_SSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;
static const uint64_t tokenwell_SSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;

static inline int tokenwell_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline int tokenwell_SSL_CTX_set1_groups_list(SSL_CTX *context, const char *groups) {
    return (int)SSL_CTX_set1_groups_list(context, groups);
}
static inline void tokenwell_SSL_CTX_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }
static inline void tokenwell_SSL_CTX_set_read_ahead(SSL_CTX *context, long on) { SSL_CTX_set_read_ahead(context, on); }
static inline void tokenwell_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}
static inline void tokenwell_SSL_CTX_set_tlsext_servername(
    SSL_CTX *context, int (*choose)(SSL *, int *, void *), void *argument) {
    SSL_CTX_set_tlsext_servername_callback(context, choose);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}
static inline int tokenwell_SSL_set_tlsext_host_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}
// Whether a certificate of ours was asked for.
static inline int tokenwell_SSL_was_asked_for_certificate(const SSL *session) {
    return SSL_get0_peer_CA_list(session) != NULL;
}
static inline int tokenwell_ERR_SYSTEM_ERROR(unsigned long error) { return ERR_SYSTEM_ERROR(error); }

static inline int tokenwell_X509_OBJECTS_num(const STACK_OF(X509_OBJECT) *objects) { return sk_X509_OBJECT_num(objects); }
// NULL for what is no certificate.
static inline X509 *tokenwell_X509_OBJECTS_certificate(const STACK_OF(X509_OBJECT) *objects, int index) {
    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, index));
}
static inline int tokenwell_X509_LOOKUP_add_default_dir(X509_LOOKUP *lookup) {
    return X509_LOOKUP_add_dir(lookup, NULL, X509_FILETYPE_DEFAULT);
}

static inline int tokenwell_GENERAL_NAMES_num(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
// The name's type (`GEN_...`), and its bytes where they are text or an address.
static inline int tokenwell_GENERAL_NAMES_get(
    const GENERAL_NAMES *names, int index, const unsigned char **bytes, int *length) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    int isText = name->type == GEN_DNS || name->type == GEN_URI || name->type == GEN_IPADD;
    // All three are the same ASN1_STRING in the union.
    *bytes = isText ? ASN1_STRING_get0_data(name->d.ia5) : NULL;
    *length = isText ? ASN1_STRING_length(name->d.ia5) : 0;
    return name->type;
}
