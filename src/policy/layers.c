/* What the layers of a function do to the verdict on its artifact. */
#include "internal.h"

/* "layer tools:3: VF2004 signature revoked: ..." */
static void take_over(const char *name, const struct policy_verdict *layer, struct policy_verdict *verdict)
{
	const struct policy_reason_info *info = policy_reason_info(layer->reason);
	verdict->outcome = layer->outcome;
	verdict->reason = POLICY_VF2005_LAYER;
	verdict->layer_reason = layer->reason;
	verdict->deciding = layer->deciding;
	SAY(verdict->detail, "layer %s: %s %s: %s", name, info->code, info->title, layer->detail);
	SAY(verdict->remedy,
	    "name another version of the layer in the function's file layers, or publish one that passes: %s",
	    layer->remedy);
}

void policy_add_layer(const char *name, const struct policy_verdict *layer, struct policy_verdict *verdict)
{
	if (verdict->outcome == POLICY_REFUSED || layer->outcome == POLICY_ACCEPTED)
		return;
	if (layer->outcome == POLICY_REFUSED || verdict->outcome == POLICY_ACCEPTED)
		take_over(name, layer, verdict);
}

static void refuse_too_many(struct policy_verdict *verdict)
{
	verdict->outcome = POLICY_REFUSED;
	verdict->reason = POLICY_VF4002_TOO_MANY;
	verdict->deciding = POLICY_CHECK_COUNT;
}

void policy_limit_unpacked(uint64_t unpacked_bytes, uint64_t max_bytes, struct policy_verdict *verdict)
{
	if (verdict->outcome == POLICY_REFUSED || unpacked_bytes <= max_bytes)
		return;
	refuse_too_many(verdict);
	SAY(verdict->detail,
	    "code and layers together have %llu bytes unpacked, at most %llu are allowed (max_unpacked_size)",
	    (unsigned long long)unpacked_bytes, (unsigned long long)max_bytes);
	SAY(verdict->remedy,
	    "make the artifact or its layers smaller, or ask the host's owner to raise max_unpacked_size");
}

void policy_refuse_folders(uint32_t folders_max, struct policy_verdict *verdict)
{
	if (verdict->outcome == POLICY_REFUSED)
		return;
	refuse_too_many(verdict);
	SAY(verdict->detail,
	    "the layers have more folders than opt/ can show when they are merged into it: at most %lu are allowed",
	    (unsigned long)folders_max);
	SAY(verdict->remedy, "name fewer layers, or publish them with fewer folders");
}

int policy_verdict_errno(const struct policy_verdict *verdict, enum config_errno_style style)
{
	bool is_layers = verdict->reason == POLICY_VF2005_LAYER && verdict->layer_reason != POLICY_REASON_NONE;
	return policy_reason_errno(is_layers ? verdict->layer_reason : verdict->reason, style);
}
