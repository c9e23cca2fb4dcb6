#!/bin/sh
# Installs our Debian packages, uses each of them, and removes them again: try.sh PACKAGES. `cargo xtask test-deb` runs it in
# a Debian 13 of its own, in the checkout, as root and without a network.
set -eu
packages=$1
work=$(mktemp -d)
mkdir -p "$HOME"
export DEBIAN_FRONTEND=noninteractive

name=""
step() {
    now=$(date +%s)
    [ -z "$name" ] || echo "$name: $((now - begin)) s"
    name=$1 begin=$now
}
fail() { echo "FAILED: $name: $*" >&2; exit 1; }
apt() {
    apt-get -qq -y -o APT::Install-Recommends=false -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io "$@" \
        >"$work/apt.log" 2>&1 || { cat "$work/apt.log"; fail "apt-get $*"; }
}
# What lies in the system, but for what apt and dpkg note down about their own work, and caches of the dynamic linker.
files() { find /usr /etc /var /opt /srv -path /var/lib/dpkg -prune -o -path /var/lib/apt -prune -o -path /var/cache -prune \
    -o -path /var/log -prune -o -print | sort; }
picture() { head -c 8 "$1" | od -An -tx1 | grep -q "89 50 4e 47" || fail "$1 is not a PNG picture"; }

step "the command is installed"
files >"$work/before"
apt install "$packages"/impasto_*.deb
[ -z "$(ldconfig -p | grep -o 'libimpasto.so.0' || true)" ] || fail "the command alone brings the C library"

step "the command paints, as any user"
cd /
install -m 644 "$OLDPWD/assets/sample/cat.png" "$work/cat.png"
chmod 777 "$work"
as_user() { setpriv --reuid=1000 --regid=1000 --clear-groups env HOME="$work" "$@"; }
# Debian's ONNX Runtime would write hundreds of lines about its own operators.
quietly() {
    "$@" >"$work/said" 2>&1 && ! grep -q '^Schema error' "$work/said" || { head -20 "$work/said"; fail "$*"; }
}
quietly as_user impasto "$work/cat.png" --style mosaic -o "$work/cat-mosaic.png" --size 64 --iterations 4 --device cpu --quiet
picture "$work/cat-mosaic.png"
as_user impasto devices | grep -q cpu
zcat /usr/share/man/man1/impasto.1.gz | grep -q '^\.TH impasto' || fail "no manual page"
bash -n /usr/share/bash-completion/completions/impasto
zcat /usr/share/doc/impasto/THIRD-PARTY.md.gz | grep -q '^| ort |' || fail "no licences of others"
cd "$OLDPWD"

step "the command leaves nothing behind"
apt purge impasto
apt autoremove --purge
files >"$work/after"
diff "$work/before" "$work/after" || fail "these files are left, or are missing"

step "the C library and a compiler are installed"
apt install "$packages"/libimpasto0_*.deb "$packages"/libimpasto-dev_*.deb gcc pkgconf

step "C programs are linked with it, both ways"
examples=/usr/share/doc/libimpasto-dev/examples
for name_of in content style; do
    { printf 'P6\n64 48\n255\n'; tail -c 9216 "assets/sample/cat.png"; } >"$work/$name_of.ppm"
done
cc -std=c11 -Wall -Wextra -Werror "$examples/stylise.c" $(pkg-config --cflags --libs impasto) -o "$work/shared"
cc -std=c11 -Wall -Wextra -Werror "$examples/stylise.c" $(pkg-config --cflags impasto) -Wl,-Bstatic -limpasto -Wl,-Bdynamic \
    $(pkg-config --static --libs-only-l impasto | sed 's/-limpasto//') -o "$work/static"
ldd "$work/shared" | grep -q 'libimpasto\.so\.0 => /' || fail "the program does not use the shared library"
! ldd "$work/static" | grep -q libimpasto || fail "the program uses the shared library"
for program in shared static; do
    quietly "$work/$program" "$work/content.ppm" "$work/style.ppm" "$work/$program.ppm" '{"size": 64, "iterations": 4}' '{"device": "cpu"}'
done
cmp "$work/shared.ppm" "$work/static.ppm" || fail "the two programs paint different pictures"

if [ -n "$(find "$packages" -name 'gimp-plugin-impasto_*')" ]; then
    step "GIMP and the filter are installed"
    apt install "$packages"/gimp-plugin-impasto_*.deb

    step "GIMP paints with the filter"
    gimp-console -idf --batch-interpreter=plug-in-script-fu-eval --quit -b "
        (let* ((image (car (gimp-file-load RUN-NONINTERACTIVE \"$work/cat.png\"))))
          (plug-in-impasto #:run-mode RUN-NONINTERACTIVE #:image image
                           #:drawables (car (gimp-image-get-selected-drawables image))
                           #:style-from \"built-in\" #:style-name \"mosaic\" #:size 64 #:iterations 4 #:device \"cpu\")
          (gimp-image-flatten image)
          (gimp-file-save RUN-NONINTERACTIVE image \"$work/gimp.png\" -1)
          (gimp-image-delete image))" >"$work/gimp.log" 2>&1 || { cat "$work/gimp.log"; fail "GIMP"; }
    [ -s "$work/gimp.png" ] || { cat "$work/gimp.log"; fail "GIMP has written no picture"; }
    picture "$work/gimp.png"
    ! cmp -s "$work/cat.png" "$work/gimp.png" || fail "the picture is as it was"

    step "its metadata are in order"
    apt install appstream
    # Impasto has no page on the web yet.
    appstreamcli validate --no-net --explain --override=url-homepage-missing=info /usr/share/metainfo/org.gimp.GIMP.Plugin.Impasto.metainfo.xml
fi

step "they can be installed together, and their files are as they were packed"
apt install "$packages"/*.deb
for package in "$packages"/*.deb; do
    dpkg --verify "$(dpkg-deb --field "$package" Package)"
done

step "nothing is left of them"
apt purge $(for package in "$packages"/*.deb; do dpkg-deb --field "$package" Package; done)
left=$(find /usr /etc /var /opt /srv /root -iname '*impasto*')
[ -z "$left" ] || fail "these are left: $left"

step "lintian"
apt install lintian
lintian --allow-root --fail-on error --tag-display-limit 0 "$packages"/*.deb

step "end"
