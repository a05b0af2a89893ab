/*
 * Every read fails in turn. This program's own read(), open() and statx() replace those of the system. They make each
 * call on a file of the test fail, return too little, or find the end too early. Usage: reads FOLDER
 */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum fault { NONE, EIO_ON_READ, ONE_BYTE, INTERRUPTED, END_TOO_EARLY, EIO_ON_STAT, SIZE_TOO_SMALL, SIZE_TOO_LARGE, DENIED, NO_DESCRIPTOR, FAULTS };

static enum fault fault;
/* The index of the call that gets the fault, from 0, and the number of such calls. */
static int which, seen;
static int watched[1024];

static int hits(enum fault one) {
    return fault == one && seen++ == which;
}

static int is_watched(int descriptor) {
    return descriptor >= 0 && descriptor < 1024 && watched[descriptor];
}

static int opened(const char *path, int flags, mode_t mode) {
    int ours = folder && strncmp(path, folder, strlen(folder)) == 0, descriptor;
    if (ours && (hits(DENIED) || hits(NO_DESCRIPTOR))) {
        errno = fault == DENIED ? EACCES : EMFILE;
        return -1;
    }
    descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (descriptor >= 0 && descriptor < 1024) {
        watched[descriptor] = ours;
    }
    return descriptor;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    mode_t mode;
    va_start(rest, flags);
    mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    mode_t mode;
    va_start(rest, flags);
    mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags, mode);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    if (is_watched(descriptor)) {
        if (hits(EIO_ON_READ)) {
            errno = EIO;
            return -1;
        }
        if (hits(INTERRUPTED)) {
            errno = EINTR;
            return -1;
        }
        if (hits(END_TOO_EARLY)) {
            return 0;
        }
        if (fault == ONE_BYTE) {
            /* The numbers of bytes are odd, and sometimes 1. */
            size_t most = seen++ % 5 == 0 ? 1 : 4097;
            count = count < most ? count : most;
        }
    }
    return syscall(SYS_read, descriptor, bytes, count);
}

int statx(int descriptor, const char *restrict path, int flags, unsigned mask, struct statx *restrict out) {
    int done = (int)syscall(SYS_statx, descriptor, path, flags, mask, out);
    if (is_watched(descriptor) && done == 0) {
        if (hits(EIO_ON_STAT)) {
            errno = EIO;
            return -1;
        }
        if (hits(SIZE_TOO_SMALL)) {
            out->stx_size /= 2;
        }
        if (hits(SIZE_TOO_LARGE)) {
            out->stx_size *= 3;
        }
    }
    return done;
}

static face_predict_model *built_in;
static face_predict_result *result;

static face_predict_status load_list(void) {
    const char *paths[3];
    face_predict_model *model = NULL;
    face_predict_status status;
    paths[0] = in_folder("age.onnx");
    paths[1] = in_folder("gender.onnx");
    paths[2] = in_folder("age.onnx");
    status = face_predict_model_load_files(paths, 3, NULL, &model);
    CHECK((model != NULL) == (status == FACE_PREDICT_OK));
    face_predict_model_free(model);
    return status;
}

static face_predict_status predict_named(const char *name) {
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    options.flags = FACE_PREDICT_CROPPED;
    return face_predict_file(built_in, in_folder(name), &options, result);
}

static face_predict_status predict_png(void) {
    return predict_named("crop.png");
}

static face_predict_status predict_jpeg(void) {
    return predict_named("portrait.jpg");
}

/* Makes each call that the fault is for fail in turn. Apart from success, the status must be `other` or `another`. */
static void every(face_predict_status (*work)(void), const char *what, enum fault one, face_predict_status other,
                  face_predict_status another) {
    int number, failed = 0;
    for (number = 0; number < 1000; number++) {
        face_predict_status status;
        int calls;
        fault = one;
        which = number;
        seen = 0;
        status = work();
        calls = seen;
        fault = NONE;
        if (status != FACE_PREDICT_OK && status != other && status != another) {
            fprintf(stderr, "%s, fault %d at call %d: %s: %s\n", what, (int)one, number,
                    face_predict_status_name(status), face_predict_last_error());
            failures++;
        }
        if (status != FACE_PREDICT_OK) {
            failed++;
            CHECK(strlen(face_predict_last_error()) > 10);
        }
        /* There were fewer calls than that, so all have failed once. */
        if (one == ONE_BYTE || calls <= number) {
            break;
        }
    }
    CHECK(number < 1000);
    /* A fault that this program cannot make would prove nothing. */
    if (one != ONE_BYTE && number == 0) {
        fprintf(stderr, "%s: fault %d was never made\n", what, (int)one);
        failures++;
    }
    if (other != FACE_PREDICT_OK && failed == 0) {
        fprintf(stderr, "%s: fault %d never showed\n", what, (int)one);
        failures++;
    }
    CHECK_OK(work());
}

static void all(face_predict_status (*work)(void), const char *what, face_predict_status cut_short) {
    CHECK_OK(work());
    every(work, what, EIO_ON_READ, FACE_PREDICT_ERROR_IO, FACE_PREDICT_ERROR_IO);
    every(work, what, ONE_BYTE, FACE_PREDICT_OK, FACE_PREDICT_OK);
    every(work, what, INTERRUPTED, FACE_PREDICT_OK, FACE_PREDICT_OK);
    every(work, what, END_TOO_EARLY, cut_short, cut_short);
    every(work, what, EIO_ON_STAT, FACE_PREDICT_ERROR_IO, FACE_PREDICT_ERROR_IO);
    /* A file grows or shrinks while it is read. The bytes that were read count. */
    every(work, what, SIZE_TOO_SMALL, FACE_PREDICT_OK, FACE_PREDICT_OK);
    every(work, what, SIZE_TOO_LARGE, FACE_PREDICT_OK, FACE_PREDICT_OK);
    every(work, what, DENIED, FACE_PREDICT_ERROR_IO, FACE_PREDICT_ERROR_IO);
    every(work, what, NO_DESCRIPTOR, FACE_PREDICT_ERROR_IO, FACE_PREDICT_ERROR_IO);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    folder = argv[1];
    CHECK_OK(face_predict_model_load_default(NULL, &built_in));
    result = face_predict_result_new();
    all(load_list, "a list of models", FACE_PREDICT_ERROR_MODEL);
    all(predict_png, "a PNG file", FACE_PREDICT_ERROR_IMAGE);
    all(predict_jpeg, "a JPEG file", FACE_PREDICT_ERROR_IMAGE);
    /* In the middle of a list, the message names the file, and nothing stays open. */
    fault = DENIED;
    which = 1;
    seen = 0;
    CHECK(load_list() == FACE_PREDICT_ERROR_IO);
    CHECK(strstr(face_predict_last_error(), "gender.onnx") != NULL);
    fault = NONE;
    face_predict_result_free(result);
    face_predict_model_free(built_in);
    return failures != 0;
}
