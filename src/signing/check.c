/* What an attempt is checked for, in this order: permission, profile, artifact. A refusal says what was expected. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "archive/zip_rules.h"
#include "internal.h"

static int refuse(struct finding *finding, int error, const char *check, const char *reason)
{
	finding->outcome = "refused";
	finding->check = check;
	(void)snprintf(finding->reason, sizeof(finding->reason), "%s", reason);
	return error;
}

int signing_check_caller(struct signing_slot *slot, const struct signer_caller *caller, uid_t uid, struct finding *ret)
{
	int r = signer_identify_again(slot->signing->signer, uid, caller, &ret->found);
	if (r == 0)
		return 0;
	explain_set(&ret->expected, "a user who acts for account %s until the file is closed", caller->account);
	explain_set(&ret->remedy,
		    "hand it in again, for the account that you act for now; the file principals of the signer's home "
		    "says for which");
	return refuse(ret, r == -ENOMEM ? r : -EACCES, "caller", "EACCES");
}

int signing_check_permission(struct signing_slot *slot, const struct signer_caller *caller, enum signer_action action,
			     const char *version, struct finding *ret)
{
	int r = signer_authorize(slot->signing->signer, caller, slot->name, version, action, &ret->found);
	if (r == 0)
		return 0;
	explain_set(&ret->expected, "a statement of the profile that allows account %s the action %s", caller->account,
		    signer_action_name(action));
	explain_set(
		&ret->remedy,
		"the owner of the profile runs: vouchfs signer add-profile-permission --profile-name %s --action %s "
		"--principal %s --statement-id ID",
		slot->name, signer_action_name(action), caller->account);
	return refuse(ret, -EACCES, "permission", "EACCES");
}

static int check_status(const struct signer_profile *profile, struct finding *ret)
{
	if (profile->status == SIGNER_PROFILE_ACTIVE)
		return 0;
	explain_set(&ret->found, "profile %s is %s and signs no more", profile->arn.name,
		    signer_status_name(profile->status));
	explain_set(&ret->expected, "a profile that is Active");
	explain_set(&ret->remedy, "hand it in to another profile, or have put-signing-profile make one");
	return refuse(ret, -EPERM, "profile", "EPERM");
}

int signing_check_profile(struct signing_slot *slot, const struct signer_caller *caller, struct finding *ret)
{
	struct signer_profile profile;
	int r = signing_check_permission(slot, caller, SIGNER_START_SIGNING_JOB, NULL, ret);
	if (r < 0)
		return r;
	r = signer_get_profile(slot->signing->signer, slot->name, &profile, &ret->found);
	if (r < 0)
		return refuse(ret, r, "profile", "unreadable");
	return check_status(&profile, ret);
}

int signing_check_artifact(const struct io_reader *file, struct finding *ret)
{
	struct zip_refusal refusal = {0};
	int r = signer_check_artifact(file, LIMIT_UNPACKED_BYTES_DEFAULT, &refusal);
	if (r == 0)
		return 0;
	ret->found = refusal.text;
	ret->remedy = refusal.remedy;
	if (r == -EEXIST) {
		explain_set(&ret->expected, "a ZIP that is not signed yet");
		return refuse(ret, r, "signature", "EEXIST");
	}
	char rule[sizeof(ret->reason)] = "EINVAL";
	if (refusal.rule != 0)
		(void)snprintf(rule, sizeof(rule), "ZIP-R%02u", refusal.rule % 100);
	explain_set(&ret->expected, "a ZIP that keeps all the rules for ZIPs");
	if (r == -EBADMSG)
		return refuse(ret, -EINVAL, "zip", rule);
	explain_set(&ret->found, "the artifact cannot be checked: %s", strerror(-r));
	return refuse(ret, r, "zip", "unreadable");
}

int signing_check_size(uint64_t size_bytes, struct finding *ret)
{
	if (size_bytes <= LIMIT_ARTIFACT_BYTES_DEFAULT)
		return 0;
	explain_set(&ret->found, "the artifact has more than %llu bytes",
		    (unsigned long long)LIMIT_ARTIFACT_BYTES_DEFAULT);
	explain_set(&ret->expected, "at most %llu bytes", (unsigned long long)LIMIT_ARTIFACT_BYTES_DEFAULT);
	explain_set(&ret->remedy, "make it smaller, for example by moving parts into layers");
	return refuse(ret, -EFBIG, "size", "EFBIG");
}
