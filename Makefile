# make demo      build the library and the C example, predict on a portrait, and explain the answer
# make test      install what is missing, run every test
# make examples  the C examples, linked statically, at build/predict and build/frames
# make header    generate include/face_predict.h anew
# make docs-table  the table of operators in docs/models.md anew
# make dist      a release folder and its archive; TARGET=... for another system (docs/platforms.md)
# make packages  wheels, jar, NuGet, Debian packages and crates of what `make dist` made
# make fuzz      builds the fuzz targets and runs each for MINUTES (10), side by side
# make install   header, libraries, pkg-config and CMake files (packaging/install.mk)
# make book      the documents as a site: build/book/index.html
# make bench     criterion benchmarks, then ours beside ONNX Runtime in one run

CARGO ?= cargo
CARGO_TARGET_DIR ?= target
LIBTORCH ?= $(CURDIR)/build/libtorch
export CARGO_TARGET_DIR LIBTORCH

lib := $(CARGO_TARGET_DIR)/quick/libface_predict.a
# The first are what Rust's standard library needs. One object of tract lacks a note, which the option adds.
system_libs := -lutil -lrt -lpthread -lm -ldl -lc -Wl,-z,noexecstack

.DEFAULT_GOAL := demo
include packaging/install.mk

.PHONY: demo examples library test header docs-table book bench fuzz fmt clean
demo: examples
	@examples/demo.sh build/predict

examples: build/predict build/frames

# The engine of this profile compiles within minutes. The features are those of `make install`, and Cargo.toml says what
# that costs.
library:
	$(CARGO) rustc --profile quick --package face-predict --lib --crate-type cdylib,staticlib --no-default-features \
	  --features decode,detector,weights-base

build/predict build/frames: build/%: examples/c/%.c include/face_predict.h library
	@mkdir -p build
	$(CC) -O2 -std=c99 -Wall -Wextra -Iinclude -o $@ $< $(lib) $(system_libs)

test:
	scripts/setup.sh
	scripts/test.sh

header:
	UPDATE_HEADER=1 $(CARGO) test --release --package face-predict --test header

docs-table:
	UPDATE_DOCS=1 $(CARGO) test --release --workspace --lib the_documents_have_the_table

book: build/tools/bin/mdbook
	scripts/build/book.py $<

# The folder is temporary, so nothing in it is shared with this workspace. A site needs no server and no watcher.
build/tools/bin/mdbook:
	CARGO_TARGET_DIR=build/tools/mdbook $(CARGO) install --locked --quiet --root build/tools --no-default-features --features search \
	  --config 'profile.release.opt-level=0' --config 'profile.release.lto=false' mdbook@0.5.4
	rm -rf build/tools/mdbook

bench:
	scripts/setup.sh
	$(CARGO) bench --workspace --bench predict
	scripts/bench/conv.sh models/*.onnx

fuzz:
	scripts/test/fuzz.sh $(MINUTES)

fmt:
	$(CARGO) fmt --all

clean:
	rm -rf build
	$(CARGO) clean
