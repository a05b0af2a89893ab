# make install [PREFIX=/usr/local] [DESTDIR=] [LIBDIR=] [INCLUDEDIR=] [TARGET=aarch64-unknown-linux-gnu] [PROFILE=dist]
#              [FEATURES=decode,detector,weights-base]
# make uninstall with the same settings. make dist [TARGET=...] for a release folder and its archive, make packages for what
# package managers take (packaging/packages.sh). Included by the Makefile at the top; also runs alone, from the top:
# make -f packaging/install.mk install.
#
# Installs the header, the C++ header, the static and the shared library with soname and links, face_predict.pc
# and a CMake package. The folders of Cargo are read from CARGO_TARGET_DIR or are target/.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DOCDIR ?= $(PREFIX)/share/doc/face_predict
DESTDIR ?=
# The profile is small, and takes some minutes of link-time optimisation: see Cargo.toml. PROFILE=release takes the
# developers' build.
PROFILE ?= dist
# The features of Cargo.toml, separated by commas. Without any, the library has no decoders and no weights.
FEATURES ?= decode,detector,weights-base
TARGET ?=
CARGO ?= cargo
PYTHON ?= python3
INSTALL ?= install

FP_VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
FP_MAJOR := $(firstword $(subst ., ,$(FP_VERSION)))
FP_BUILT ?= $(or $(CARGO_TARGET_DIR),target)/$(if $(TARGET),cross/$(TARGET)/)$(PROFILE)
FP_SYSTEM := $(if $(TARGET),$(if $(findstring apple,$(TARGET)),Darwin,$(if $(findstring windows,$(TARGET)),Windows,Linux)),$(shell uname -s))

ifeq ($(FP_SYSTEM),Darwin)
FP_SHARED := libface_predict.$(FP_VERSION).dylib
FP_SONAME := libface_predict.$(FP_MAJOR).dylib
FP_DEVELOP := libface_predict.dylib
FP_PRIVATE := -lSystem -lc -lm
else
FP_SHARED := libface_predict.so.$(FP_VERSION)
FP_SONAME := libface_predict.so.$(FP_MAJOR)
FP_DEVELOP := libface_predict.so
# What `rustc --print native-static-libs` names, but for libgcc: compilers add it in the form that fits, and -lgcc_s is not
# there for a program without any shared library. One object of the archive lacks the note that it needs no executable stack,
# hence the option.
FP_PRIVATE := -Wl,-z,noexecstack -lutil -lrt -lpthread -lm -ldl -lc
endif

FP_FILL = PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' VERSION='$(FP_VERSION)' MAJOR='$(FP_MAJOR)' \
	PRIVATE='$(FP_PRIVATE)' SHARED='$(FP_SHARED)' SONAME='$(FP_SONAME)'
FP_CMAKEDIR = $(LIBDIR)/cmake/FacePredict
# The way from the CMake package to a folder. The realpath of macOS has none of these options.
FP_RELATIVE = realpath -m --relative-to='$(FP_CMAKEDIR)' '$(1)' 2>/dev/null || \
	$(PYTHON) -c 'import os, sys; print(os.path.relpath(*sys.argv[1:]))' '$(1)' '$(FP_CMAKEDIR)'

# Systems that get the static library alone, and Windows, are not installed into: `make dist` gives a folder.
FP_FLAT := $(strip $(foreach system,windows musl android apple,$(findstring $(system),$(TARGET))))

.PHONY: install uninstall dist packages library-built

# Cargo decides what is out of date. FP_NO_BUILD=1 installs what lies there (root without a toolchain, cross builds).
library-built:
ifndef FP_NO_BUILD
ifdef TARGET
	PROFILE='$(PROFILE)' FEATURES='$(FEATURES)' scripts/build/cross.sh $(TARGET)
else
	$(CARGO) rustc --profile $(PROFILE) --package face-predict --lib --crate-type cdylib,staticlib \
	  --no-default-features $(if $(FEATURES),--features $(FEATURES)) -- $(shell packaging/link_options.sh)
endif
endif

install: library-built
	@test -f "$(FP_BUILT)/libface_predict.a" || { echo "no libface_predict.a in $(FP_BUILT): leave FP_NO_BUILD out"; exit 1; }
	$(INSTALL) -d "$(DESTDIR)$(INCLUDEDIR)" "$(DESTDIR)$(LIBDIR)/pkgconfig" "$(DESTDIR)$(FP_CMAKEDIR)" "$(DESTDIR)$(DOCDIR)"
	$(INSTALL) -m 644 include/face_predict.h "$(DESTDIR)$(INCLUDEDIR)/face_predict.h"
	if test -f bindings/cpp/face_predict.hpp; then \
	  $(INSTALL) -m 644 bindings/cpp/face_predict.hpp "$(DESTDIR)$(INCLUDEDIR)/face_predict.hpp"; fi
	$(INSTALL) -m 644 "$(FP_BUILT)/libface_predict.a" "$(DESTDIR)$(LIBDIR)/libface_predict.a"
	$(INSTALL) -m 755 "$(FP_BUILT)/$(FP_DEVELOP)" "$(DESTDIR)$(LIBDIR)/$(FP_SHARED)"
	ln -sf $(FP_SHARED) "$(DESTDIR)$(LIBDIR)/$(FP_SONAME)"
	ln -sf $(FP_SONAME) "$(DESTDIR)$(LIBDIR)/$(FP_DEVELOP)"
	$(FP_FILL) packaging/fill.sh packaging/face_predict.pc.in > "$(DESTDIR)$(LIBDIR)/pkgconfig/face_predict.pc"
	up="`$(call FP_RELATIVE,$(LIBDIR))`" && include="`$(call FP_RELATIVE,$(INCLUDEDIR))`" && \
	  $(FP_FILL) UP="$$up" INCLUDE="$$include" packaging/fill.sh packaging/FacePredictConfig.cmake.in \
	  > "$(DESTDIR)$(FP_CMAKEDIR)/FacePredictConfig.cmake"
	$(FP_FILL) packaging/fill.sh packaging/FacePredictConfigVersion.cmake.in \
	  > "$(DESTDIR)$(FP_CMAKEDIR)/FacePredictConfigVersion.cmake"
	for file in README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do \
	  if test -f $$file; then $(INSTALL) -m 644 $$file "$(DESTDIR)$(DOCDIR)/$$file"; fi; done

# Folders are removed only if they are empty.
uninstall:
	rm -f "$(DESTDIR)$(INCLUDEDIR)/face_predict.h" "$(DESTDIR)$(INCLUDEDIR)/face_predict.hpp" \
	  "$(DESTDIR)$(LIBDIR)/libface_predict.a" "$(DESTDIR)$(LIBDIR)/$(FP_SHARED)" \
	  "$(DESTDIR)$(LIBDIR)/$(FP_SONAME)" "$(DESTDIR)$(LIBDIR)/$(FP_DEVELOP)" \
	  "$(DESTDIR)$(LIBDIR)/pkgconfig/face_predict.pc" "$(DESTDIR)$(FP_CMAKEDIR)/FacePredictConfig.cmake" \
	  "$(DESTDIR)$(FP_CMAKEDIR)/FacePredictConfigVersion.cmake"
	for file in README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE; do rm -f "$(DESTDIR)$(DOCDIR)/$$file"; done
	-for folder in "$(FP_CMAKEDIR)" "$(LIBDIR)/cmake" "$(LIBDIR)/pkgconfig" "$(LIBDIR)" "$(INCLUDEDIR)" "$(DOCDIR)" \
	  "$(PREFIX)/share/doc" "$(PREFIX)/share"; do rmdir "$(DESTDIR)$$folder" 2>/dev/null; done; true

# A folder with everything a program needs, and the licences of all that is inside, Rust's own library among it.
FP_RUST_LICENCES ?= $(shell rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html
FP_COMPRESS ?= gzip -9n
FP_STRIP = $(or $(STRIP),$(if $(findstring aarch64-unknown-linux-gnu,$(TARGET)),aarch64-linux-gnu-strip,$(if $(findstring \
  armv7,$(TARGET)),arm-linux-gnueabihf-strip,strip)))
FP_DOCUMENTS = $(filter-out %.notes.md,$(wildcard DESIGN.md SECURITY.md CONTRIBUTING.md models/*.md models/*.svg docs/*.md docs/*/*.md \
  docs/pictures/*.jpg bindings/*/README.md crates/*/README.md training/README.md examples/spark/README.md examples/web/README.md))
FP_NAME = face_predict-$(FP_VERSION)-$(or $(TARGET),$(shell uname -m)-$(shell uname -s | tr A-Z a-z))
dist: library-built
	rm -rf build/dist/$(FP_NAME)
ifeq ($(FP_FLAT),)
	$(MAKE) -f packaging/install.mk install FP_NO_BUILD=1 PREFIX=/$(FP_NAME) DESTDIR=build/dist \
	  LIBDIR=/$(FP_NAME)/lib INCLUDEDIR=/$(FP_NAME)/include DOCDIR=/$(FP_NAME)/share/doc/face_predict
	$(FP_STRIP) --strip-unneeded build/dist/$(FP_NAME)/lib/$(FP_SHARED)
	$(FP_STRIP) --strip-debug build/dist/$(FP_NAME)/lib/libface_predict.a
	$(INSTALL) -m 644 packaging/RELEASE.md build/dist/$(FP_NAME)/RELEASE.md
else
	packaging/flat.sh $(TARGET) "$(FP_BUILT)" build/dist/$(FP_NAME)
endif
	$(PYTHON) packaging/licences.py $(if $(TARGET),--target $(TARGET)) \
	  --output build/dist/$(FP_NAME)/share/doc/face_predict/THIRD_PARTY_LICENCES.txt
	$(INSTALL) -m 644 "$(FP_RUST_LICENCES)" build/dist/$(FP_NAME)/share/doc/face_predict/RUST_LIBRARY_LICENCES.html
	for file in $(FP_DOCUMENTS) examples/c/hello.c; do \
	  if test -f "$$file"; then $(INSTALL) -D -m 644 "$$file" "build/dist/$(FP_NAME)/share/doc/face_predict/$$file"; fi; done
	$(PYTHON) packaging/release_links.py build/dist/$(FP_NAME)/share/doc/face_predict
ifneq ($(FP_SYSTEM),Windows)
	@# A pipe would hide a failure of tar, and leave half an archive.
	tar -C build/dist --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$${SOURCE_DATE_EPOCH:-0}" \
	  -I '$(FP_COMPRESS)' -cf build/dist/$(FP_NAME).tar.gz $(FP_NAME)
	@ls -l build/dist/$(FP_NAME).tar.gz
else
	$(PYTHON) packaging/zip.py build/dist $(FP_NAME) build/dist/$(FP_NAME).zip
	@ls -l build/dist/$(FP_NAME).zip
endif

packages:
	packaging/packages.sh
