/* Releases in memory: what they have, and who frees it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void layer_done(struct store_layer *layer)
{
	free(layer->layer);
	free(layer->comment);
	*layer = (struct store_layer){0};
}

bool store_release_has(const struct store_release *release, const uint8_t digest[CRYPTO_SHA256_BYTES])
{
	if (memcmp(release->digest, digest, CRYPTO_SHA256_BYTES) == 0)
		return true;
	for (size_t i = 0; i < release->layer_count; i++)
		if (memcmp(release->layers[i].digest, digest, CRYPTO_SHA256_BYTES) == 0)
			return true;
	return false;
}

static bool copy_layer(const struct store_layer *from, struct store_layer *to)
{
	*to = *from;
	to->layer = strdup(from->layer);
	to->comment = malloc(from->comment_len + 1);
	if (to->comment && from->comment_len > 0)
		memcpy(to->comment, from->comment, from->comment_len);
	return to->layer && to->comment;
}

static void drop_layers(struct store_release *release)
{
	for (size_t i = 0; i < release->layer_count; i++)
		layer_done(&release->layers[i]);
	release->layer_count = 0;
	free(release->layers_text);
	release->layers_text = NULL;
}

int store_release_copy_layers(struct store_release *to, const struct store_release *from)
{
	ASSERT(to->layer_count == 0 && !to->layers_text);
	bool copied = true;
	for (size_t i = 0; copied && i < from->layer_count; i++) {
		to->layer_count++;
		copied = copy_layer(&from->layers[i], &to->layers[i]);
	}
	if (copied && from->layers_text) {
		to->layers_text = strdup(from->layers_text);
		copied = to->layers_text != NULL;
	}
	if (!copied) {
		drop_layers(to);
		return -ENOMEM;
	}
	to->layers_mtime_s = from->layers_mtime_s;
	to->layers_mtime_ns = from->layers_mtime_ns;
	to->layers_uid = from->layers_uid;
	return 0;
}

void store_release_free(struct store_release *release)
{
	if (!release)
		return;
	drop_layers(release);
	free(release->artifact_name);
	free(release->comment);
	free(release->decision);
	free(release);
}
