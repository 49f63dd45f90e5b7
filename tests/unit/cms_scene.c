#include "cms_scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int cms_scene_setup(void **state)
{
	struct cms_scene *s = calloc(1, sizeof(*s));
	s->name = "message";
	struct forge_cert_spec inter_spec = forge_ca_spec;
	inter_spec.common_name = "intermediate";
	forge_cert(&forge_ca_spec, NULL, &s->root);
	forge_cert(&inter_spec, &s->root, &s->inter);
	forge_cert(&forge_leaf_spec, &s->inter, &s->leaf);
	forge_cert(&forge_leaf_spec, &s->root, &s->stranger);
	s->spec = (struct forge_message_spec){
		.signer = &s->leaf,
		.carried = {&s->inter},
		.content_type = CMS_SCENE_TYPE,
		.content = CMS_SCENE_CONTENT,
		.signing_time_s = FORGE_AT_S,
	};
	*state = s;
	return 0;
}

int cms_scene_teardown(void **state)
{
	struct cms_scene *s = *state;
	crypto_cms_free(s->cms);
	buf_done(&s->der);
	buf_done(&s->pem);
	forge_cert_done(&s->root);
	forge_cert_done(&s->inter);
	forge_cert_done(&s->leaf);
	forge_cert_done(&s->stranger);
	free(s);
	return 0;
}

int cms_scene_parse(struct cms_scene *s)
{
	crypto_cms_free(s->cms);
	s->cms = NULL;
	s->why.text[0] = '\0';
	return crypto_cms_parse(s->pem.data, s->pem.len, CMS_SCENE_TYPE, &s->cms, &s->why);
}

void cms_scene_make(struct cms_scene *s)
{
	buf_reset(&s->der);
	buf_reset(&s->pem);
	forge_message(&s->spec, &s->der);
	forge_pem(&s->der, &s->pem);
}

void cms_scene_expect_good(struct cms_scene *s)
{
	int r = cms_scene_parse(s);
	if (r < 0)
		fail_msg("%d: %s", r, s->why.text);
}

void cms_scene_expect_bad(struct cms_scene *s, const char *reason)
{
	int r = cms_scene_parse(s);
	if (r != -EBADMSG || s->cms || !strstr(s->why.text, reason))
		fail_msg("%s: \"%s\" expected, found %d \"%s\"", s->name, reason, r, s->why.text);
}
