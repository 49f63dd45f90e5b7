/*
 * forge_token.h - time stamp authorities and their tokens, good and bad ones. A spec that is all zero but for signer
 * and at_s makes a good token.
 */
#ifndef FORGE_TOKEN_H
#define FORGE_TOKEN_H

#include "forge.h"

/* A good CA ("TSA root") and a good leaf ("TSA"), valid as forge_ca_spec and forge_leaf_spec are. */
extern const struct forge_cert_spec forge_tsa_ca_spec, forge_tsa_spec;

struct forge_token_spec {
	const struct forge_cert *signer;
	const struct forge_cert *second_signer;
	const struct forge_cert *carried[4]; /* beside the signer's */
	const struct forge_cert *ess;	     /* signed attributes name this one instead of the signer */
	int64_t at_s;
	const char *time;	    /* in place of at_s, as GeneralizedTime */
	const EVP_MD *imprint_md;   /* NULL: SHA-384 */
	const EVP_MD *md;	    /* of the signature; NULL: SHA-384 */
	const struct buf *nonce_of; /* a query whose nonce is answered */
	long version;		    /* 0: 1 */
	bool other_imprint, short_imprint;
	bool critical_extension;
	bool trailing_byte; /* behind the TSTInfo */
	bool not_tst_info;
	bool no_ess, old_ess; /* old: RFC 2634, SHA-1 */
	bool no_certificate;
	bool no_attributes;
	const char *type_after; /* the content's type is changed to this when all is signed */
	bool bad_signature;
};

/* For the signature of a message in PEM. */
void forge_token(const struct forge_token_spec *spec, const struct buf *message_pem, struct buf *ret_der);
/* The message with the token among its unsigned attributes. */
void forge_token_attach(const struct buf *message_pem, const struct buf *token_der, struct buf *ret_pem);
/* A TimeStampResp of this status; token_der NULL: without one. */
void forge_reply(long status, const struct buf *token_der, struct buf *ret_der);

#endif
