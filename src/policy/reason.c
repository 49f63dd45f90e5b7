#include "policy/reason.h"

#include <errno.h>

/* The errnos are those whose texts say it: "Key has been revoked". EPERM and EACCES serve tools that know no others. */
static const struct policy_reason_info reasons[] = {
	{POLICY_REASON_NONE, "-", "nothing to object to", 0, 0, 0},
	{POLICY_VF1001_ZIP, "VF1001", "not an admissible ZIP", EINVAL, EINVAL, 14},
	{POLICY_VF1002_INTEGRITY, "VF1002", "integrity: content is not what was signed, or the signature is malformed",
	 EBADMSG, EPERM, 13},
	{POLICY_VF2001_UNSIGNED, "VF2001", "source mismatch: no signature", ENOKEY, EACCES, 10},
	{POLICY_VF2002_SOURCE, "VF2002", "source mismatch: signing profile not allowed, or its account not trusted",
	 EKEYREJECTED, EACCES, 11},
	{POLICY_VF2003_EXPIRED, "VF2003", "signature expired", EKEYEXPIRED, EACCES, 12},
	{POLICY_VF2004_REVOKED, "VF2004", "signature revoked", EKEYREVOKED, EACCES, 15},
	/* A layer's refusal is answered with the errno of its own reason; these stand in where there is none. */
	{POLICY_VF2005_LAYER, "VF2005", "a layer in use fails", EKEYREJECTED, EACCES, 16},
	{POLICY_VF3001_UNDECIDED, "VF3001", "could not be checked", EKEYREJECTED, EACCES, 20},
	{POLICY_VF4001_NO_SLOT, "VF4001", "no such slot, or no config for it", ENOENT, ENOENT, 17},
	{POLICY_VF4002_TOO_LARGE, "VF4002", "limit exceeded: bytes of the artifact", EFBIG, EFBIG, 18},
	{POLICY_VF4002_TOO_MANY, "VF4002", "limit exceeded: number of layers, or unpacked total", E2BIG, E2BIG, 18},
};

const struct policy_reason_info *policy_reason_info(enum policy_reason reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].reason == reason)
			return &reasons[i];
	ASSERT(!"a reason without an entry");
	return NULL;
}

const struct policy_reason_info *policy_reasons(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(reasons);
	return reasons;
}

int policy_reason_errno(enum policy_reason reason, enum config_errno_style style)
{
	const struct policy_reason_info *info = policy_reason_info(reason);
	return style == CONFIG_ERRNO_PERMISSION ? info->errno_permission : info->errno_key;
}
