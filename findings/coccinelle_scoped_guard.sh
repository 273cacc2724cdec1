#!/bin/sh
# Coccinelle 1.1.1 (Debian 12): a function that holds a scoped_guard() block is matched by no rule.
# spatch exits with 0 and says nothing of what it left out; only --parse-c counts it as bad.
# Expected: a match inside the block, or a warning that the function was not looked at.
# Seen: the rule marks the kmalloc() of plain() and of guarded(), and not that of scoped().
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
apt-get -qq -o APT::Sandbox::User=root download coccinelle=1.1.1.deb-2+b1 ocaml-base=4.13.1-4 libpcre3=2:8.39-15 \
	libparmap-ocaml=1.2.5-1 libstdcompat-ocaml=19-1
for package in *.deb; do dpkg-deb -x "$package" root; done
export COCCINELLE_HOME="$work/root/usr/lib/coccinelle"
export LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu"
export PATH="$work/root/usr/bin:$PATH"
cat > input.c <<'C'
int plain(int n)
{
	void *in_plain = kmalloc(n);
	return use(in_plain);
}

int guarded(struct mutex *m, int n)
{
	guard(mutex)(m);
	void *in_guarded = kmalloc(n);
	return use(in_guarded);
}

int scoped(struct mutex *m, int n)
{
	scoped_guard(mutex, m) {
		void *in_scoped = kmalloc(n);
		use(in_scoped);
	}
	return 0;
}
C
cat > rule.cocci <<'C'
@@
@@
* kmalloc(...)
C
spatch --sp-file rule.cocci input.c > seen 2> said
cat seen; grep -v HANDLING said || true
grep -q '^-.*in_plain' seen
grep -q '^-.*in_guarded' seen
if grep -q '^-.*in_scoped' seen || grep -qi scoped said; then exit 1; fi
