#!/bin/sh
# Fills in a template, and prints it. @PREFIX@ becomes the variable PREFIX of the environment, and so on. In a file for
# pkg-config, folders below the prefix are written relative to it. So `pkg-config --define-prefix` serves a folder that
# was moved. Characters that a shell would split or read are escaped, such as a space in the prefix.
#   PREFIX=... LIBDIR=... packaging/fill.sh TEMPLATE
set -eu
template=$1
# For sed's right side.
literal() { printf '%s' "$1" | sed 's/[&|\\]/\\&/g'; }
folder() {
    case $template in
    *.pc.in) printf '%s' "$1" | sed "s/[][ #\"'\\\\\`()<>;&*?!|]/\\\\&/g" ;;
    *) printf '%s' "$1" ;;
    esac
}
below() {
    case $1 in
    "$PREFIX"/*) printf '${prefix}/%s' "$(folder "${1#"$PREFIX"/}")" ;;
    *) folder "$1" ;;
    esac
}
sed -e "s|@PREFIX@|$(literal "$(folder "$PREFIX")")|g" \
    -e "s|@LIBDIR@|$(literal "$(below "$LIBDIR")")|g" \
    -e "s|@INCLUDEDIR@|$(literal "$(below "$INCLUDEDIR")")|g" \
    -e "s|@UP@|$(literal "${UP-}")|g" -e "s|@INCLUDE@|$(literal "${INCLUDE-}")|g" \
    -e "s|@VERSION@|$VERSION|g" -e "s|@MAJOR@|$MAJOR|g" -e "s|@PRIVATE@|$PRIVATE|g" \
    -e "s|@SHARED@|$SHARED|g" -e "s|@SONAME@|$SONAME|g" "$template"
