# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # read by fetch and build, which source this file
# libyaml: the YAML parser behind src/format/yaml.c.
name=libyaml
version=0.2.5
licence=MIT
licence_file=License
home=https://pyyaml.org/wiki/LibYAML

debian_source=libyaml=0.2.5-2
debian_file=libyaml_0.2.5.orig.tar.gz
debian_sha256=fa240dbf262be053f3898006d502d514936c818e422afdcf33921c63bed9bf2e

upstream_file=libyaml-0.2.5.tar.gz
upstream_sha256=fa240dbf262be053f3898006d502d514936c818e422afdcf33921c63bed9bf2e
upstream_url=https://github.com/yaml/libyaml/archive/0.2.5.tar.gz

# libyaml has no allocator hook, but api.c alone calls the C library's: there the four names are
# replaced by the counted ones of src/base/heap.h, so a program without heap.c does not link.
build_libyaml() {
    local defines=(-DYAML_VERSION_MAJOR=0 -DYAML_VERSION_MINOR=2 -DYAML_VERSION_PATCH=5
        '-DYAML_VERSION_STRING="0.2.5"' -DYAML_DECLARE_STATIC -Iinclude)
    local counted=(-Dmalloc=heap_malloc -Drealloc=heap_realloc -Dfree=heap_free
        -Dstrdup=heap_strdup)
    local unit compile
    read -ra compile <<<"$CC $CFLAGS"
    for unit in reader scanner parser loader writer emitter dumper; do
        "${compile[@]}" "${defines[@]}" -c "src/$unit.c" -o "$unit.o"
    done
    "${compile[@]}" "${defines[@]}" "${counted[@]}" -c src/api.c -o api.o
    if nm -u ./*.o | grep -wE 'malloc|calloc|realloc|free|strdup'; then
        echo "vendor: libyaml still calls the C library's allocator" >&2
        return 1
    fi
    "$AR" rcD "$PREFIX/lib/libyaml.a" ./*.o
    cp include/yaml.h "$PREFIX/include/"
}
