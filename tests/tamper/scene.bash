# shellcheck shell=bash disable=SC2034 # lib.bash and policy.bash read the sections
# A store in which every kind of file lies, at rest, in $T/snapshot; `load lib` and `load policy` come first. The clock
# stands from here on.
#
#   functions/app     three releases: the current one is the second artifact with two layers; who brought it, when
#   functions/noted   a release, a refused note, a break glass
#   functions/waits   a list of layers that waits for its artifact
#   layers/base       two versions and one that was removed, a permission, a description
#   layers/tools      one version
#   policy            two bundles; a revocation list that the store remembers; an anchor beside the store
#
# $T/head is the head of its audit log, $T/earlier-<n> what the store was earlier.

make_tamper_scene() {
	local i
	stop_clock
	mkdir "$T/anchor"
	VOUCHFS_SECTION="anchor = $T/anchor/anchor
keep_releases = 3"
	HOST_SECTIONS="[layer base]
[layer tools]"
	POLICY_SECTIONS=
	make_policy_host
	POLICY_SECTIONS=$(policy_sections "$RELEASE" | sed 's/function main/function app/'
		printf '[function noted]\ncode_signing_config = prod\n[function waits]\ncode_signing_config = prod\n')
	pack_policy 1
	pack_policy 2
	start_mount
	cp "$T/policy-1.zip" "$MNT/policy/"
	keep_earlier 0
	mv "$T/policy-2.zip" "$T/p.zip"
	cp "$T/p.zip" "$MNT/policy/"

	python3 "$TAMPER/archives.py" "$T"
	for i in "$T"/archive-*.zip; do sign_zip release "$i"; done
	cp "$T/archive-layer1.zip" "$MNT/layers/base/new.zip"
	cp "$T/archive-layer2.zip" "$MNT/layers/base/new.zip"
	cp "$T/archive-layer3.zip" "$MNT/layers/base/new.zip"
	rm "$MNT/layers/base/3.zip"
	cp "$T/archive-layer3.zip" "$MNT/layers/tools/new.zip"
	"$VOUCHFS" lambda add-layer-version-permission --layer-name base --version-number 1 --statement-id all \
		--action lambda:GetLayerVersion --principal '*' >/dev/null
	cp "$T/archive-1.zip" "$MNT/functions/app/app.zip"
	"$VOUCHFS" lambda add-layer-version-permission --layer-name base --version-number 1 --statement-id more \
		--action lambda:GetLayerVersion --principal '*' >/dev/null
	keep_earlier 1
	cp "$T/archive-2.zip" "$MNT/functions/app/app.zip"
	"$VOUCHFS" lambda remove-layer-version-permission --layer-name base --version-number 1 --statement-id more >/dev/null
	printf 'base:1\ntools:1\n' >"$MNT/functions/app/layers"
	cp "$T/archive-1.zip" "$MNT/functions/noted/a.zip"
	mk_zip "$T/unsigned.zip" x=1
	cp "$T/unsigned.zip" "$MNT/functions/noted/a.zip" 2>/dev/null && return 1
	printf 'base:2\n' >"$MNT/functions/waits/layers"
	"$VOUCHFS" break-glass noted --minutes 60 --reason "a test of what lies there" >/dev/null
	stop_mount
	HEAD=$("$VOUCHFS" audit head "$STORE")
	echo "$HEAD" >"$T/head"
	cp -a "$STORE" "$T/snapshot"
}

# As the store was before: genuine, and old.
keep_earlier() { cp -a "$STORE" "$T/earlier-$1"; }
