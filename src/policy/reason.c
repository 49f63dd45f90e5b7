#include "policy/reason.h"

#include <errno.h>

/* The errnos are those whose texts say it: "Key has been revoked". EPERM and EACCES serve tools that know no others. */
static const struct policy_reason_info reasons[] = {
	{"-", "nothing to object to", POLICY_REASON_NONE, 0, 0, 0},
	{"VF1001", "not an admissible ZIP", POLICY_VF1001_ZIP, EINVAL, EINVAL, 14},
	{"VF1002", "integrity: content is not what was signed, or the signature is malformed", POLICY_VF1002_INTEGRITY,
	 EBADMSG, EPERM, 13},
	{"VF2001", "source mismatch: no signature", POLICY_VF2001_UNSIGNED, ENOKEY, EACCES, 10},
	{"VF2002", "source mismatch: signing profile not allowed, or its account not trusted", POLICY_VF2002_SOURCE,
	 EKEYREJECTED, EACCES, 11},
	{"VF2003", "signature expired", POLICY_VF2003_EXPIRED, EKEYEXPIRED, EACCES, 12},
	{"VF2004", "signature revoked", POLICY_VF2004_REVOKED, EKEYREVOKED, EACCES, 15},
	/* A layer's refusal is answered with the errno of its own reason; these stand in where there is none. */
	{"VF2005", "a layer in use fails", POLICY_VF2005_LAYER, EKEYREJECTED, EACCES, 16},
	{"VF2005", "a layer in use fails: no permission to use it", POLICY_VF2005_PERMISSION, EACCES, EACCES, 16},
	{"VF2005", "the list of layers cannot be used", POLICY_VF2005_LIST, EINVAL, EINVAL, 16},
	{"VF3001", "could not be checked", POLICY_VF3001_UNDECIDED, EKEYREJECTED, EACCES, 20},
	{"VF4001", "no such slot, or no config for it", POLICY_VF4001_NO_SLOT, ENOENT, ENOENT, 17},
	{"VF4002", "limit exceeded: bytes of the artifact", POLICY_VF4002_TOO_LARGE, EFBIG, EFBIG, 18},
	{"VF4002", "limit exceeded: number of layers, or unpacked total", POLICY_VF4002_TOO_MANY, E2BIG, E2BIG, 18},
	{"VF5001", "not a policy bundle that this host can use", POLICY_VF5001_BUNDLE, EINVAL, EINVAL, 21},
	{"VF5002", "a policy bundle with a higher sequence was in force already", POLICY_VF5002_SEQUENCE, EPERM, EPERM,
	 22},
};

const struct policy_reason_info *policy_reason_info(enum policy_reason reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].reason == reason)
			return &reasons[i];
	base_bug(__FILE__, __LINE__, "every reason has an entry");
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
