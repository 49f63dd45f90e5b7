/*
 * cms_scene.h - a CMS message that a test changes and has read: root, intermediate, leaf, and a second leaf that has no
 * part in it. Change `spec`, make, then expect; or change `der` or `pem` after make.
 */
#ifndef CMS_SCENE_H
#define CMS_SCENE_H

#include "base/buf.h"
#include "base/explain.h"
#include "crypto/cms.h"
#include "forge.h"

#define CMS_SCENE_TYPE	  "2.25.42"
#define CMS_SCENE_CONTENT "a statement\n"

struct cms_scene {
	struct forge_cert root, inter, leaf, stranger;
	struct forge_message_spec spec;
	struct buf der, pem;
	struct crypto_cms *cms;
	struct explain why;
	const char *name; /* of the case, for a failure's message */
};

int cms_scene_setup(void **state);
int cms_scene_teardown(void **state);

/* spec to der and pem. */
void cms_scene_make(struct cms_scene *s);
/* crypto_cms_parse of pem. */
int cms_scene_parse(struct cms_scene *s);
void cms_scene_expect_good(struct cms_scene *s);
/* -EBADMSG, and these words among the reasons. */
void cms_scene_expect_bad(struct cms_scene *s, const char *reason);

#endif
