/*
 * Which certificates a message may carry.
 *
 * The line between integrity and source runs here, and is drawn by names, as form can be judged without knowing whom
 * the host trusts. From the signer's certificate (issuer and serial of the SignerInfo) each certificate's issuer name
 * leads to the next one, until none of that name is left.
 *
 *   integrity  the signer's certificate is not there; a certificate is not on that way (extra, doubled, of a second
 *              chain); one behind the leaf names itself as its issuer (a root)
 *   source     all else that is wrong with certificates (chain.c): a gap before the CA, one of the right name that did
 *              not sign, too many, a leaf that signed itself
 */
#include <errno.h>
#include <string.h>

#include "cms_internal.h"

/* Byte for byte: names that merely compare equal (case, blanks, string types) would give one message many texts. */
static bool same_encoding(const X509_NAME *a, const X509_NAME *b)
{
	const uint8_t *a_der, *b_der;
	size_t a_len, b_len;
	return X509_NAME_get0_der(a, &a_der, &a_len) == 1 && X509_NAME_get0_der(b, &b_der, &b_len) == 1 &&
	       a_len == b_len && memcmp(a_der, b_der, a_len) == 0;
}

static bool is_signers(X509 *x509, const PROFILE_SIGNER_ID *id)
{
	return ASN1_INTEGER_cmp(X509_get0_serialNumber(x509), id->serial) == 0 &&
	       same_encoding(X509_get_issuer_name(x509), id->issuer);
}

static bool is_of_subject(X509 *x509, const X509_NAME *subject)
{
	return X509_NAME_cmp(X509_get_subject_name(x509), subject) == 0;
}

/* The first certificate that is not taken yet and that fits: the signer's, or the one of this subject. */
static int find(STACK_OF(X509) * certs, const bool *taken, const PROFILE_SIGNER_ID *id, const X509_NAME *subject)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *x509 = sk_X509_value(certs, i);
		if (!taken[i] && (subject ? is_of_subject(x509, subject) : is_signers(x509, id)))
			return i;
	}
	return -1;
}

int cms_order_certs(struct crypto_cms *cms, const PROFILE_SIGNED_DATA *data, const PROFILE_SIGNER *signer,
		    struct explain *ret_why)
{
	bool taken[CRYPTO_CMS_CERTS_MAX] = {false};
	int total = sk_X509_num(data->certs);
	if (total < 1 || total > CRYPTO_CMS_CERTS_MAX)
		return crypto_refuse(ret_why, -EBADMSG, "the signature carries %d certificates; 1 to %d can be read",
				     total, CRYPTO_CMS_CERTS_MAX);

	const X509_NAME *wanted = NULL;
	for (;;) {
		int at = find(data->certs, taken, signer->signer_id, wanted);
		if (at < 0)
			break;
		taken[at] = true;
		int r = crypto_cert_wrap(sk_X509_value(data->certs, at), &cms->certs[cms->cert_count]);
		if (r < 0)
			return r;
		struct crypto_cert *cert = cms->certs[cms->cert_count++];
		if (crypto_cert_is_self_issued(cert)) {
			if (cms->cert_count > 1)
				return crypto_refuse(ret_why, -EBADMSG,
						     "the signature carries the root certificate; it belongs to the "
						     "verifier's configuration");
			break;
		}
		wanted = X509_get_issuer_name(cert->x509);
	}
	if (cms->cert_count == 0)
		return crypto_refuse(ret_why, -EBADMSG, "the signature does not carry its signer's certificate");
	if (cms->cert_count < (size_t)total)
		return crypto_refuse(ret_why, -EBADMSG,
				     "the signature carries certificates that are not on the way from its signer up "
				     "(%d carried, %zu on the way)",
				     total, cms->cert_count);
	return 0;
}
